"""Any header of a checkpoint but a valid one is refused in one sentence, at no cost in memory."""

from __future__ import annotations

import json
import struct
import tracemalloc

import pytest

from runner.parsers.checkpoint import check_checkpoint, max_checkpoint_bytes
from tests.support.untrusted.checkpoints import (
    SMALL,
    SPEC,
    VALID,
    by_hand,
    refused_checkpoint,
    small_header,
)


@pytest.mark.parametrize("length", [0, 1, len(VALID), 100 << 20, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
def test_header_length(length: int) -> None:
    """A header that is empty, longer than the file, or longer than the original's could be, is refused."""
    assert (
        refused_checkpoint(struct.pack("<Q", length) + VALID[8:], SPEC) == f"its header claims {length} bytes"
    )


@pytest.mark.parametrize("length", [100 << 20, 1 << 63, (1 << 64) - 1])
def test_hostile_lengths_cost_no_memory(length: int) -> None:
    """Neither a header's length, nor a shape, nor an offset of exabytes makes the host allocate for it."""
    tracemalloc.start()
    try:
        refused_checkpoint(struct.pack("<Q", length) + VALID[8:], SPEC)
        refused_checkpoint(by_hand(small_header(a={"shape": [length]}), bytes(12)))
        refused_checkpoint(by_hand(small_header(a={"shape": [(1 << 48) - 1] * 16}), bytes(12)))
        refused_checkpoint(by_hand(small_header(a={"data_offsets": [0, (1 << 48) - 1]}), bytes(12)))
        refused_checkpoint(by_hand('{"a": [' + "0," * 1700 + "0]}", bytes(12)))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_header_longer_than_any_acceptable_one() -> None:
    """A complete header that is larger than the spec allows is not parsed."""
    padded = json.dumps(small_header()) + " " * 100_000
    assert "header claims" in refused_checkpoint(by_hand(padded, bytes(12)))


PLACES = {
    "overlap": small_header(b={"data_offsets": [4, 8]}),
    "both at the same place": small_header(b={"data_offsets": [0, 4]}),
    "gap before": small_header(a={"data_offsets": [4, 12]}, b={"data_offsets": [12, 16]}),
    "gap between": small_header(b={"data_offsets": [12, 16]}),
    "reversed": small_header(a={"data_offsets": [8, 0]}),
    "too short": small_header(a={"data_offsets": [0, 4]}, b={"data_offsets": [4, 8]}),
    "too long": small_header(a={"data_offsets": [0, 12]}, b={"data_offsets": [12, 16]}),
    "beyond the end": small_header(b={"data_offsets": [1 << 40, (1 << 40) + 4]}),
    "empty": small_header(a={"data_offsets": [0, 0]}, b={"data_offsets": [0, 4]}),
}


@pytest.mark.parametrize("header", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("data_bytes", [8, 12, 16])
def test_tensors_out_of_place(header: dict[str, object], data_bytes: int) -> None:
    """The tensors fill the data one after the other: no gap, no overlap, no other size."""
    refused_checkpoint(by_hand(header, bytes(data_bytes)))


MALFORMED: dict[str, object] = {
    "negative offset": small_header(a={"data_offsets": [-8, 0]}),
    "offsets of floats": small_header(a={"data_offsets": [0.0, 8.0]}),
    "offsets of bools": small_header(b={"shape": [], "data_offsets": [False, True]}),
    "offsets of text": small_header(a={"data_offsets": ["0", "8"]}),
    "one offset": small_header(a={"data_offsets": [8]}),
    "three offsets": small_header(a={"data_offsets": [0, 8, 8]}),
    "huge offset": small_header(a={"data_offsets": [0, 1 << 64]}),
    "offsets no list": small_header(a={"data_offsets": {"0": 8}}),
    "no offsets": small_header(a={"data_offsets": None}),
    "negative size": small_header(a={"shape": [-2]}),
    "two negative sizes": small_header(a={"shape": [-1, -2]}),
    "size of a float": small_header(a={"shape": [2.0]}),
    "size of a bool": small_header(b={"shape": [True]}),
    "size of text": small_header(a={"shape": ["2"]}),
    "nested sizes": small_header(a={"shape": [[2]]}),
    "overflowing shape": small_header(a={"shape": [1 << 63, 2]}),
    "shape that overflows to 2": small_header(a={"shape": [(1 << 63) + 1, 2]}),
    "seventeen dimensions": small_header(a={"shape": [1] * 16 + [2]}),
    "another shape of the same size": small_header(a={"shape": [2, 1]}),
    "no shape": small_header(a={"shape": None}),
    "another dtype of the same size": small_header(a={"dtype": "I32"}),
    "unknown dtype": small_header(a={"dtype": "F4"}),
    "dtype of a number": small_header(a={"dtype": 5}),
    "dtype of a deep list": json.dumps(small_header()).replace('"F32"', "[" * 900 + "]" * 900),
    "name with escapes": small_header(
        **{"\n\x1b[31m\u202e": {"dtype": "U8", "shape": [0], "data_offsets": [12, 12]}}
    ),
    "malformed, of a name with escapes": {**small_header(), "a\nscore: 1.0\x1b[31m": 1},
    "dtype with escapes": small_header(a={"dtype": "F32\n\x1b[2J"}),
    "dtype of a list": small_header(a={"dtype": ["F32"]}),
    "extra name in an entry": small_header(a={"device": "cpu"}),
    "entry of null": {**small_header(), "a": None},
    "entry of a list": {**small_header(), "a": [1, 2]},
    "entry of text": {**small_header(), "a": "F32"},
    "missing tensor": {"a": small_header()["a"]},
    "extra tensor": small_header(c={"dtype": "F32", "shape": [0], "data_offsets": [12, 12]}),
    "renamed tensor": {"a": small_header()["a"], "B": small_header()["b"]},
    "sixty extra tensors": {
        **small_header(),
        **{f"x{i}": {"dtype": "U8", "shape": [0], "data_offsets": [12, 12]} for i in range(60)},
    },
    "endless name": small_header(**{"n" * 3000: {"dtype": "U8", "shape": [0], "data_offsets": [12, 12]}}),
    "endless name, malformed": {**small_header(), "n" * 3000: 1},
    "endless dtype": small_header(a={"dtype": "F" * 3000}),
    "long shape": small_header(a={"shape": [0] * 900}),
    "empty object": {},
    "list": [1, 2],
    "null": None,
    "number": 12345,
    "unclosed": '{"a": ',
    "nothing but spaces": "    ",
    "not JSON": "}{",
    "number of thousands of digits": json.dumps(small_header()).replace("[2]", f"[{'2' * 4350}]"),
    "NaN for a size": json.dumps(small_header()).replace("[2]", "[NaN]"),
    "Infinity for a size": json.dumps(small_header()).replace("[2]", "[Infinity]"),
    "no UTF-8": b'{"\xff\xfe": 1}',
    "deep list": "[" * 2000 + "]" * 2000,
    "deep object": '{"a":' * 700 + "1" + "}" * 700,
    "deep, never closed": "[" * 4000,
    "deep inside a shape": json.dumps(small_header()).replace("[2]", "[" * 1800 + "2" + "]" * 1800),
    "deep inside the metadata": '{"__metadata__": ' + "[" * 1800 + "]" * 1800 + "}",
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_header(header: object) -> None:
    """Any other header is refused in one sentence, for its content and not for its length."""
    assert "header claims" not in refused_checkpoint(by_hand(header, bytes(12)))


def test_duplicate_names() -> None:
    """A name that occurs twice is refused, at the top and inside an entry."""
    entry = json.dumps(small_header()["a"])
    valid = json.dumps(small_header())
    assert "not the JSON of safetensors" in refused_checkpoint(
        by_hand(f'{{"a": {entry}, {valid[1:]}', bytes(12))
    )
    inside = valid.replace('"shape": [2]', '"shape": [2], "shape": [2]')
    assert "not the JSON of safetensors" in refused_checkpoint(by_hand(inside, bytes(12)))


UNREADABLE = {
    "metadata of a number": json.dumps(small_header(__metadata__=5)).encode(),
    "metadata of numbers": json.dumps(small_header(__metadata__={"format": 1})).encode(),
    "NaN in the metadata": json.dumps(small_header(__metadata__={"format": float("nan")})).encode(),
    "UTF-16": json.dumps(small_header()).encode("utf-16"),
    "byte order mark": json.dumps(small_header()).encode("utf-8-sig"),
    "negative zero": json.dumps(small_header()).replace("[0,", "[-0,").encode(),
}


@pytest.mark.parametrize("header", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_the_library_cannot_read_is_refused(header: bytes) -> None:
    """A checkpoint that safetensors itself refuses is refused here, before the evaluator receives it."""
    refused_checkpoint(by_hand(header, bytes(12)))


@pytest.mark.parametrize("metadata", ['{"a": "\\ud800"}', '{"\\udc00": "a"}'])
def test_metadata_that_are_no_text(metadata: str) -> None:
    """Metadata that cannot be written as UTF-8 are refused."""
    header = json.dumps(small_header(__metadata__=5)).replace('": 5', f'": {metadata}')
    refused_checkpoint(by_hand(header, bytes(12)))


def test_longest_header_is_accepted_and_one_byte_more_refused() -> None:
    """The largest checkpoint is exactly `max_checkpoint_bytes` long, and one byte more is refused."""
    room = max_checkpoint_bytes(SMALL) - 8 - 12
    fitting = json.dumps(small_header()).ljust(room)
    check_checkpoint(data := by_hand(fitting, bytes(12)), SMALL)
    assert len(data) == max_checkpoint_bytes(SMALL)
    assert "header claims" in refused_checkpoint(by_hand(fitting + " ", bytes(12)))
