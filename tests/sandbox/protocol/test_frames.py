"""The decoder returns what was encoded, and refuses everything else before it is stored."""

from __future__ import annotations

import contextlib
import json
import struct
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.protocol.frames import (
    HEADER_BYTES_LIMIT,
    Decoder,
    Frame,
    FrameRule,
    ProtocolViolationError,
    encode,
    encode_header,
)

RULES = {
    "every": FrameRule(fields={"text": str, "whole": int, "number": float, "flag": bool}, payload_bytes=1000),
    "bare": FrameRule(),
}

FRAMES = st.one_of(
    st.just(Frame(kind="bare")),
    st.builds(
        lambda payload, **fields: Frame(kind="every", fields=fields, payload=payload),
        payload=st.binary(max_size=1000),
        text=st.text(max_size=200),
        whole=st.integers(-(10**40), 10**40),
        number=st.floats(allow_nan=False, allow_infinity=False),
        flag=st.booleans(),
    ),
)


def bytes_of(frame: Frame) -> bytes:
    """Return the bytes of a frame as the other side would send them."""
    return encode(frame.kind, frame.payload, **frame.fields)


def with_length(header: str | bytes) -> bytes:
    """Return a header of any kind, preceded by its length."""
    body = header.encode() if isinstance(header, str) else header
    return struct.pack(">I", len(body)) + body


def header(**changes: object) -> str:
    """Return the JSON of a valid ``every`` header with changes; the value None removes a name."""
    valid = {"kind": "every", "bytes": 0, "text": "", "whole": 1, "number": 1.0, "flag": True}
    return json.dumps({name: value for name, value in (valid | changes).items() if value is not None})


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """Yield the data cut at these positions."""
    positions = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in pairwise(positions):
        yield data[start:end]


def refusal(data: bytes) -> str:
    """Require that a new decoder refuses these bytes, and return the reason."""
    with pytest.raises(ProtocolViolationError) as caught:
        list(Decoder(RULES).feed(data))
    return str(caught.value)


@settings(deadline=None)
@given(st.lists(FRAMES, max_size=5), st.lists(st.integers(0, 6000), max_size=12))
def test_round_trip(frames: list[Frame], cuts: list[int]) -> None:
    """Decoded frames equal the encoded ones, wherever the stream is cut, and no bytes are left over."""
    decoder = Decoder(RULES)
    stream = b"".join(map(bytes_of, frames))
    decoded = [frame for piece in pieces(stream, cuts) for frame in decoder.feed(piece)]
    assert decoded == frames
    assert [type(value) for frame in decoded for value in frame.fields.values()] == [
        type(value) for frame in frames for value in frame.fields.values()
    ]
    assert all(list(decoder.feed(bytes_of(frame))) == [frame] for frame in frames), "no bytes are left over"


@given(FRAMES, st.data())
def test_a_cut_frame_waits_for_its_rest(frame: Frame, data: st.DataObject) -> None:
    """Nothing is decoded after any proper prefix of a frame, and the frame once its rest arrives."""
    stream = bytes_of(frame)
    decoder = Decoder(RULES)
    cut = data.draw(st.integers(1, len(stream) - 1))
    assert list(decoder.feed(stream[:cut])) == []
    assert list(decoder.feed(stream[cut:])) == [frame]


def test_a_frame_is_complete_at_its_last_byte() -> None:
    """Fed one byte at a time, the decoder yields a frame at its last byte and not before."""
    stream = encode("every", b"payload", text="é", whole=-1, number=0.5, flag=False)
    decoder = Decoder(RULES)
    for byte in stream[:-1]:
        assert list(decoder.feed(bytes([byte]))) == []
    (frame,) = decoder.feed(stream[-1:])
    assert frame.payload == b"payload"


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_random_bytes_are_a_violation_or_nothing(data: bytes) -> None:
    """Random bytes raise `ProtocolViolationError` or make the decoder wait for more; nothing else."""
    with contextlib.suppress(ProtocolViolationError):
        list(Decoder(RULES).feed(data))


@settings(max_examples=300)
@given(st.binary(min_size=2, max_size=200))
def test_random_headers_are_a_violation(body: bytes) -> None:
    """Random bytes instead of a header are refused, whether they are JSON or not."""
    refusal(with_length(body))


@settings(max_examples=300)
@given(FRAMES, st.data())
def test_one_changed_byte_raises_nothing_else(frame: Frame, data: st.DataObject) -> None:
    """A valid frame with one changed byte is a frame, an incomplete frame or a violation."""
    stream = bytearray(bytes_of(frame))
    position = data.draw(st.integers(0, len(stream) - 1))
    stream[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ProtocolViolationError):
        list(Decoder(RULES).feed(bytes(stream)))


@pytest.mark.parametrize("length", [0, 1, HEADER_BYTES_LIMIT + 1, 1 << 31, (1 << 32) - 1])
def test_header_length_is_refused_before_the_header(length: int) -> None:
    """Four bytes that announce an empty or a huge header are refused without the header."""
    assert str(length) in refusal(struct.pack(">I", length))


def test_longest_header_is_accepted() -> None:
    """A header of exactly the limit is accepted; the encoder refuses one byte more."""
    rules = {"long": FrameRule(fields={"text": str})}
    room = HEADER_BYTES_LIMIT - len(encode_header("long", 0, text="")) + 4
    (frame,) = Decoder(rules).feed(encode("long", text="x" * room))
    assert len(frame.text("text")) == room
    with pytest.raises(ValueError, match="over"):
        encode("long", text="x" * (room + 1))


@pytest.mark.parametrize("length", [1001, 1 << 40, -1, True, 1.0, "0", None])
def test_payload_length_is_refused_before_the_payload(length: object) -> None:
    """A payload length over the kind's limit, negative, or not an integer is refused at the header."""
    assert "announced" in refusal(with_length(header(bytes=length)))


def test_longest_payload_is_accepted() -> None:
    """A payload of exactly the limit is accepted; a kind without payload accepts none."""
    (frame,) = Decoder(RULES).feed(with_length(header(bytes=1000)) + bytes(1000))
    assert len(frame.payload) == 1000
    assert "0 are allowed" in refusal(with_length('{"kind": "bare", "bytes": 1}'))


@pytest.mark.parametrize("kind", ["other", "", 1, True, ["bare"], {"bare": 1}, None, "x" * 10_000])
def test_unknown_kinds_are_refused(kind: object) -> None:
    """Only the kinds of the table are accepted, and the message shortens an unknown kind."""
    message = refusal(with_length(header(kind=kind)))
    assert "unknown kind" in message
    assert len(message) < 100


@pytest.mark.parametrize(
    "changes",
    [
        {"text": None},
        {"whole": None},
        {"extra": 1},
        {"text": None, "texts": ""},
        {"payload": ""},
    ],
    ids=str,
)
def test_missing_and_extra_fields_are_refused(changes: dict[str, object]) -> None:
    """A header must have exactly the fields of its kind."""
    assert "wrong fields" in refusal(with_length(header(**changes)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("whole", True),
        ("whole", 1.0),
        ("whole", "1"),
        ("number", 1),
        ("number", True),
        ("flag", 1),
        ("text", 1),
        ("text", ["x"]),
        ("text", {"x": 1}),
    ],
)
def test_wrong_types_are_refused(name: str, value: object) -> None:
    """A field must have exactly its type: a bool is not accepted as an int, nor an int as a float or a bool."""
    assert refusal(with_length(header(**{name: value}))).startswith(f"{name} of a every frame is no ")


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(word: str) -> None:
    """Python's JSON parser accepts NaN and Infinity; the decoder refuses them."""
    assert "not finite" in refusal(with_length(header(number=0.5).replace("0.5", word)))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_the_encoder_refuses_numbers_that_are_not_finite(number: float) -> None:
    """The sender cannot encode what the receiver would refuse."""
    with pytest.raises(ValueError, match="Out of range"):
        encode("every", number=number)


@pytest.mark.parametrize("name", ["kind", "bytes", "whole"])
def test_duplicate_names_are_refused(name: str) -> None:
    """A name that occurs twice is refused, even with the same value: parsers could disagree on it."""
    text = header()
    value = json.loads(text)[name]
    assert "not JSON" in refusal(with_length(f'{{"{name}": {json.dumps(value)}, {text[1:]}'))


@pytest.mark.parametrize("body", ["[1, 2]", '"bare"', "null", "12", "NaN", "true"])
def test_json_that_is_not_an_object_is_refused(body: str) -> None:
    """A header must be a JSON object."""
    assert "not a JSON object" in refusal(with_length(body))


@pytest.mark.parametrize(
    ("opening", "inside", "closing"), [("[", "", "]"), ('{"a":', "1", "}"), ("[", "", "")]
)
def test_deep_nesting_is_refused(opening: str, inside: str, closing: str) -> None:
    """JSON nested as deep as a header has room for is a violation, not a `RecursionError`."""
    depth = HEADER_BYTES_LIMIT // len(opening + closing) - 1
    reason = refusal(with_length(opening * depth + inside + closing * depth))
    # Python 3.13 parses JSON that is too deep for 3.11; the decoder then refuses its content.
    assert any(words in reason for words in ("not JSON", "not a JSON object", "a frame of unknown kind"))


def test_nesting_of_every_depth_is_refused() -> None:
    """At no depth is a value parsed that cannot be refused, because the message does not show it."""
    for depth in range(900, 1100):
        for inner in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
            refusal(with_length(f'{{"kind": {inner}}}'))
            refusal(with_length(f'{{"kind": "bare", "bytes": {inner}}}'))


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    """An integer too long for Python to parse is a violation."""
    assert "not JSON" in refusal(with_length(header(whole=7).replace("7", "7" * 10_000)))


@pytest.mark.parametrize("body", [b"\xff\xfe\xfd", b'{"kind": "\xff"}', b"\x00\x00\x00\x00", b"{}\x00"])
def test_a_header_that_is_not_utf_8_is_refused(body: bytes) -> None:
    """Bytes that are not UTF-8 are a violation."""
    refusal(with_length(body))


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-8-sig"])
def test_a_header_in_another_encoding_is_refused(codec: str) -> None:
    """A header is UTF-8, so that a sequence of bytes has only one meaning."""
    refusal(with_length('{"kind": "bare", "bytes": 0}'.encode(codec)))


def test_a_hostile_length_costs_no_memory() -> None:
    """A length of 4 GB is refused at its four bytes; the decoder holds only the bytes that it received."""
    decoder = Decoder(RULES)
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolViolationError):
            list(decoder.feed(b"\xff\xff\xff\xff"))
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_an_announced_payload_costs_no_memory_until_it_arrives() -> None:
    """A frame that announces a terabyte, where allowed, takes only the memory of the bytes that arrived."""
    decoder = Decoder({"big": FrameRule(payload_bytes=1 << 40)})
    tracemalloc.start()
    try:
        assert list(decoder.feed(encode_header("big", 1 << 40))) == []
        assert list(decoder.feed(bytes(50_000))) == []
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
