"""Is exactly the checkpoint that was due accepted, and everything else refused in one sentence?"""

from __future__ import annotations

import contextlib
import json
import pickle
import random
import struct
import tracemalloc
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load, save

from runner.parsers.checkpoint import check_checkpoint, checkpoint_spec, content_sha256, max_checkpoint_bytes
from runner.parsers.safetensors import CheckpointError, TensorSpec
from runner.sanitize import sanitize_line

TENSORS: dict[str, NDArray[Any]] = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bias": np.array([-1.5, 2.5], dtype=np.float64),
    "half": np.array([1.0, 2.0, 3.0], dtype=np.float16),
    "count": np.array(7, dtype=np.int64),
    "mask": np.array([True, False]),
    "none": np.zeros((0, 3), dtype=np.float32),
}
VALID = save(TENSORS)
SPEC = checkpoint_spec(VALID)
SMALL = {"a": TensorSpec(dtype="F32", shape=(2,)), "b": TensorSpec(dtype="F32", shape=(1,))}

Entry = dict[str, Any]


def by_hand(header: object, data: bytes) -> bytes:
    """Return safetensors with any header: an object, text, or bytes."""
    if not isinstance(header, bytes):
        header = (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(header)) + header + data


def small_header(*, a: Entry | None = None, b: Entry | None = None, **more: object) -> dict[str, object]:
    """Return the header of a valid `SMALL` checkpoint with some of it changed."""
    first: Entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    second: Entry = {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}
    return {"a": first | (a or {}), "b": second | (b or {}), **more}


def laid_out(tensors: Mapping[str, NDArray[Any]], order: Sequence[str]) -> bytes:
    """Return safetensors with the data, and the header's names, in this order."""
    header, data = {}, b""
    dtypes = {"f4": "F32", "f8": "F64", "f2": "F16", "i8": "I64", "b1": "BOOL"}
    for name in order:
        body = tensors[name].tobytes()
        header[name] = {
            "dtype": dtypes[tensors[name].dtype.str[1:]],
            "shape": list(tensors[name].shape),
            "data_offsets": [len(data), len(data) + len(body)],
        }
        data += body
    return by_hand(header, data)


def why(data: bytes, spec: Mapping[str, TensorSpec] = SMALL) -> str:
    """Return why a checkpoint is refused, and require that it is, in a short sentence."""
    with pytest.raises(CheckpointError) as caught:
        check_checkpoint(data, spec)
    assert len(str(caught.value)) < 400
    assert str(caught.value) == sanitize_line(str(caught.value), 400)
    return str(caught.value)


def test_what_safetensors_writes_is_accepted() -> None:
    """The library's own output for the same names, dtypes and shapes passes, scalars and empties too."""
    check_checkpoint(VALID, SPEC)
    check_checkpoint(save({name: np.zeros_like(tensor) for name, tensor in TENSORS.items()}), SPEC)
    check_checkpoint(save(TENSORS, {"format": "pt"}), SPEC)


@given(st.permutations(list(TENSORS)))
def test_any_order_of_tensors_is_accepted(order: list[str]) -> None:
    """Tensors may lie in any order, and the content's hash does not depend on it."""
    data = laid_out(TENSORS, order)
    check_checkpoint(data, SPEC)
    assert content_sha256(data) == content_sha256(VALID)


def test_small_by_hand_is_accepted() -> None:
    """The header from which the refused ones below are made is itself a valid one."""
    check_checkpoint(by_hand(small_header(), bytes(12)), SMALL)
    check_checkpoint(by_hand({}, b""), {})


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_denormals_and_extremes_are_accepted(dtype: type[np.floating[Any]]) -> None:
    """Finite is finite: denormals, the largest numbers and negative zero pass."""
    facts = np.finfo(dtype)
    values = np.array(
        [facts.smallest_subnormal, -facts.smallest_subnormal, facts.max, facts.min, -0.0], dtype
    )
    data = save({"x": values})
    check_checkpoint(data, checkpoint_spec(data))


@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_what_is_not_finite_is_refused(dtype: type[np.floating[Any]], value: float) -> None:
    """One NaN or infinity among many values is found, in every precision."""
    values = np.zeros(1000, dtype)
    spec = checkpoint_spec(save({"x": values}))
    values[777] = value
    assert why(save({"x": values}), spec) == "x has values that are not finite"


@pytest.mark.parametrize(
    ("bits", "finite"),
    [
        (0x7F80, False),
        (0xFF80, False),
        (0x7FC0, False),
        (0xFFFF, False),
        (0x7F81, False),
        (0x7F7F, True),
        (0xFF7F, True),
        (0x0001, True),
        (0x8000, True),
    ],
)
def test_bfloat16(bits: int, finite: bool) -> None:
    """BF16, which NumPy does not know, is judged by its bits: an exponent of ones is not finite."""
    spec = {"x": TensorSpec(dtype="BF16", shape=(2,))}
    header = {"x": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
    data = by_hand(header, struct.pack("<HH", 0x3F80, bits))
    if finite:
        check_checkpoint(data, spec)
    else:
        assert "not finite" in why(data, spec)


def test_integers_of_any_value_are_accepted() -> None:
    """Bits that would be a NaN as a float are a number as an integer."""
    data = save({"x": np.full(4, -1, dtype=np.int64)})
    check_checkpoint(data, checkpoint_spec(data))


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int16, np.int8, np.uint8])
def test_integers_stay_within_the_originals(dtype: type[np.integer[Any]]) -> None:
    """A network may index with them: one beyond the original's least or greatest is refused, others are not."""
    original = np.arange(5, 105, dtype=dtype).reshape(10, 10)
    spec = checkpoint_spec(save({"index": original}))
    assert spec["index"].bounds == (5, 104)
    check_checkpoint(save({"index": original[::-1].copy()}), spec)
    for value in (4, 105, np.iinfo(dtype).min, np.iinfo(dtype).max):
        changed = original.copy()
        changed[7, 7] = value
        reason = "index has integers outside the original's range of 5 to 104"
        assert why(save({"index": changed}), spec) == reason


def test_counters_are_free() -> None:
    """An integer without dimensions, as batch normalisation counts with, may be any; none is within nothing."""
    tensors = {"count": np.array(7, np.int64), "none": np.zeros((0, 2), np.int64)}
    spec = checkpoint_spec(save(tensors))
    check_checkpoint(save(tensors | {"count": np.array(-(1 << 63), np.int64)}), spec)


def test_truth_values_are_0_and_1() -> None:
    """Either, whatever the original's are; any other byte is refused."""
    spec = checkpoint_spec(save({"mask": np.array([True, True])}))
    check_checkpoint(save({"mask": np.array([False, True])}), spec)
    header = {"mask": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}}
    assert "range of 0 to 1" in why(by_hand(header, b"\x01\x02"), spec)


def test_the_range_costs_no_memory() -> None:
    """Eight million integers are looked at where they are."""
    data = save({"index": np.zeros(1 << 23, dtype=np.int64)})
    tracemalloc.start()
    try:
        check_checkpoint(data, checkpoint_spec(data))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_truncated() -> None:
    """No proper beginning of a valid checkpoint is one."""
    for length in range(len(VALID)):
        why(VALID[:length], SPEC)


@pytest.mark.parametrize("extra", [b"\0", b"\0" * 4096, VALID], ids=len)
def test_trailing_bytes(extra: bytes) -> None:
    """Nothing may follow the tensors."""
    assert "bytes too many" in why(VALID + extra, SPEC)


@pytest.mark.parametrize("length", [0, 1, len(VALID), 100 << 20, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
def test_header_length(length: int) -> None:
    """A header that is empty, longer than the file, or longer than the original's could be, is refused."""
    assert why(struct.pack("<Q", length) + VALID[8:], SPEC) == f"its header claims {length} bytes"


@pytest.mark.parametrize("length", [100 << 20, 1 << 63, (1 << 64) - 1])
def test_hostile_lengths_cost_no_memory(length: int) -> None:
    """Neither a header's length, nor a shape, nor an offset of exabytes makes the host allocate for it."""
    tracemalloc.start()
    try:
        why(struct.pack("<Q", length) + VALID[8:], SPEC)
        why(by_hand(small_header(a={"shape": [length]}), bytes(12)))
        why(by_hand(small_header(a={"shape": [(1 << 48) - 1] * 16}), bytes(12)))
        why(by_hand(small_header(a={"data_offsets": [0, (1 << 48) - 1]}), bytes(12)))
        why(by_hand('{"a": [' + "0," * 1700 + "0]}", bytes(12)))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_header_longer_than_any_acceptable_one() -> None:
    """A header that is there in full but larger than the spec accounts for is not even parsed."""
    padded = json.dumps(small_header()) + " " * 100_000
    assert "header claims" in why(by_hand(padded, bytes(12)))


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
    """The tensors fill the data one behind the other: no gap, no overlap, no other size."""
    why(by_hand(header, bytes(data_bytes)))


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
    """Whatever else a header may say is refused in one sentence, for what it says and not for its length."""
    assert "header claims" not in why(by_hand(header, bytes(12)))


def test_duplicate_names() -> None:
    """A name that stands twice is refused, at the top and inside an entry."""
    entry = json.dumps(small_header()["a"])
    valid = json.dumps(small_header())
    assert "not the JSON of safetensors" in why(by_hand(f'{{"a": {entry}, {valid[1:]}', bytes(12)))
    inside = valid.replace('"shape": [2]', '"shape": [2], "shape": [2]')
    assert "not the JSON of safetensors" in why(by_hand(inside, bytes(12)))


def test_wrong_names_are_told() -> None:
    """A participant reads which keys are missing and which were not expected, the first three of each."""
    header = {f"module.{name}": entry for name, entry in small_header().items()}
    assert why(by_hand(header, bytes(12))) == (
        "the state dict has wrong keys: a, b missing, module.a, module.b not expected"
    )
    spec = {f"layer{number}": TensorSpec(dtype="F32", shape=(0,)) for number in range(5)}
    assert "layer0, layer1, layer2 and 2 more missing, none not expected" in why(by_hand({}, b""), spec)


def test_wrong_dtype_and_shape_are_told() -> None:
    """A participant reads what a tensor is and what it was to be."""
    assert why(save({**TENSORS, "bias": np.zeros(2, np.float32)}), SPEC) == "bias has dtype F32, not F64"
    assert why(save({**TENSORS, "weight": np.zeros((3, 2), np.float32)}), SPEC) == (
        "weight has shape [3, 2], not [2, 3]"
    )


class _Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("a pickle was executed",))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_is_refused_and_never_executed(protocol: int) -> None:
    """A pickle is no checkpoint, by itself or in the place of the header or the data."""
    bomb = pickle.dumps(_Bomb(), protocol)
    why(bomb)
    why(bomb.ljust(100, b"."))
    why(by_hand(bomb, bytes(12)))
    why(by_hand(small_header(), bomb))


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    """Random bytes, and random bytes as a header, raise `CheckpointError` and nothing else."""
    why(data)
    why(by_hand(data, bytes(12)))


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, len(VALID) - sum(tensor.bytes for tensor in SPEC.values()) - 1), st.integers(0, 255))
def test_one_changed_byte_of_the_header(place: int, byte: int) -> None:
    """A header with one byte changed is accepted, or refused with a `CheckpointError`; nothing else."""
    changed = bytearray(VALID)
    changed[place] = byte
    with contextlib.suppress(CheckpointError):
        check_checkpoint(bytes(changed), SPEC)


def test_accepted_mutations_mean_the_same() -> None:
    """What passes after a few random changes has values that the library reads as these names and shapes."""
    draw = random.Random(0)
    end = len(VALID) - sum(tensor.bytes for tensor in SPEC.values())
    accepted = 0
    for _ in range(3000):
        changed = bytearray(VALID)
        changed[draw.randrange(8, end)] = draw.choice(b' \t\n"0123456789{}[],:aF')
        try:
            check_checkpoint(bytes(changed), SPEC)
        except CheckpointError:
            continue
        accepted += 1
        found = load(bytes(changed))
        assert {name: tensor.shape for name, tensor in found.items()} == {
            name: tensor.shape for name, tensor in TENSORS.items()
        }
    assert accepted


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
    """A checkpoint that safetensors itself refuses is refused here, before the evaluator meets it."""
    why(by_hand(header, bytes(12)))


@pytest.mark.parametrize("metadata", ['{"a": "\\ud800"}', '{"\\udc00": "a"}'])
def test_metadata_that_are_no_text(metadata: str) -> None:
    """Nor do metadata pass that cannot be written as UTF-8."""
    header = json.dumps(small_header(__metadata__=5)).replace('": 5', f'": {metadata}')
    why(by_hand(header, bytes(12)))


def test_content_hash_sees_every_value() -> None:
    """One changed value, or two tensors of one size exchanged, changes the hash."""
    first = save({"a": np.array([1, 2], np.float32), "b": np.array([3, 4], np.float32)})
    changed = save({"a": np.array([1, 2], np.float32), "b": np.array([3, 5], np.float32)})
    exchanged = save({"a": np.array([3, 4], np.float32), "b": np.array([1, 2], np.float32)})
    moved = save({"a": np.array([1, 2, 3], np.float32), "b": np.array([4], np.float32)})
    assert len({content_sha256(data) for data in (first, changed, exchanged, moved)}) == 4


def test_content_hash_tells_names_from_values() -> None:
    """A tensor whose values spell another's name does not hash like the two of them."""
    one = save({"a": np.frombuffer(b'1["b"]2', np.uint8)})
    two = save({"a": np.frombuffer(b"1", np.uint8), "b": np.frombuffer(b"2", np.uint8)})
    assert content_sha256(one) != content_sha256(two)


def test_content_hash_ignores_metadata() -> None:
    """What is no tensor does not make two checkpoints differ."""
    assert content_sha256(save(TENSORS, {"run": "2"})) == content_sha256(VALID)


@settings(max_examples=50, deadline=None)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=40).filter(lambda name: name != "__metadata__"),
        st.lists(st.integers(0, 3), max_size=8),
        max_size=20,
    )
)
def test_no_valid_checkpoint_is_longer_than_the_largest(shapes: dict[str, list[int]]) -> None:
    """Whatever the names, what safetensors writes passes and is no longer than was said beforehand."""
    data = save({name: np.zeros(shape, np.float16) for name, shape in shapes.items()})
    spec = checkpoint_spec(data)
    check_checkpoint(data, spec)
    assert len(data) <= max_checkpoint_bytes(spec)


def test_longest_header_is_accepted_and_one_byte_more_refused() -> None:
    """The largest checkpoint is exactly as long as was said: the limit is used up, and not passed."""
    room = max_checkpoint_bytes(SMALL) - 8 - 12
    fitting = json.dumps(small_header()).ljust(room)
    check_checkpoint(data := by_hand(fitting, bytes(12)), SMALL)
    assert len(data) == max_checkpoint_bytes(SMALL)
    assert "header claims" in why(by_hand(fitting + " ", bytes(12)))


def test_spec_of_the_original() -> None:
    """The original's names, dtypes and shapes are what is due, and sizes follow from them."""
    assert SPEC["weight"] == TensorSpec(dtype="F32", shape=(2, 3))
    assert SPEC["count"] == TensorSpec(dtype="I64", shape=())
    assert {name: tensor.bytes for name, tensor in SPEC.items()} == {
        name: tensor.nbytes for name, tensor in TENSORS.items()
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        VALID[:20],
        by_hand({"x": {"dtype": "C64", "shape": [0], "data_offsets": [0, 0]}}, b""),
        by_hand({"x": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, bytes(8)),
        by_hand({"x": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, bytes(4)),
        by_hand({"x": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}, bytes(4)),
    ],
)
def test_spec_of_something_else(data: bytes) -> None:
    """An original that is cut, or of a dtype or sizes that make no sense, is an error like any other."""
    with pytest.raises(CheckpointError):
        checkpoint_spec(data)
