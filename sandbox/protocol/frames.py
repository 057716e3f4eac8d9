"""How the host and a container speak: length-prefixed frames on stdin and stdout.

A frame is a 4-byte big-endian length, a JSON header of that length, then as many
payload bytes as the header's ``bytes`` says. Both sides import this file, and the
host reads with it what may have been written by a stranger, so it decides about
every length *before* anything of that length is read or kept.

Only the standard library is imported here: it is the one module that the host shares
with what is copied into the image.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

HEADER_BYTES_LIMIT: Final = 16_384
_LENGTH: Final = struct.Struct(">I")

Scalar = str | int | float | bool | None
FieldType = type[str] | type[int] | type[float] | type[bool]


class ProtocolViolationError(Exception):
    """The other side sent something that is not a frame, or not one that is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRule:
    """What a frame of one kind must look like."""

    fields: Mapping[str, FieldType] = field(default_factory=dict)
    """Name and exact type of every header field besides ``kind`` and ``bytes``."""

    payload_bytes: int = 0
    """The most payload bytes that such a frame may carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message: a kind, its header fields and its payload."""

    kind: str
    fields: Mapping[str, Scalar] = field(default_factory=dict)
    payload: bytes = b""

    def integer(self, name: str) -> int:
        """Return a field that the frame's rule declares as an integer."""
        value = self.fields[name]
        assert isinstance(value, int), name
        return value

    def number(self, name: str) -> float:
        """Return a field that the frame's rule declares as a float."""
        value = self.fields[name]
        assert isinstance(value, int | float), name
        return float(value)

    def text(self, name: str) -> str:
        """Return a field that the frame's rule declares as a string."""
        value = self.fields[name]
        assert isinstance(value, str), name
        return value


def encode(kind: str, payload: bytes | memoryview = b"", **fields: Scalar) -> bytes:
    """Return the bytes of one frame.

    Raises:
        ValueError: the header is longer than `HEADER_BYTES_LIMIT`, or a number is not finite.
    """
    head = encode_header(kind, len(payload), **fields)
    return head + bytes(payload) if payload else head


def encode_header(kind: str, payload_bytes: int, **fields: Scalar) -> bytes:
    """Return what precedes a payload of that length, so that large ones need no copy.

    Raises:
        ValueError: the header is longer than `HEADER_BYTES_LIMIT`, or a number is not finite.
    """
    body = json.dumps({"kind": kind, "bytes": payload_bytes, **fields}, allow_nan=False).encode()
    if len(body) > HEADER_BYTES_LIMIT:
        raise ValueError(f"a {kind} header of {len(body)} bytes is over {HEADER_BYTES_LIMIT}")
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Cuts a byte stream into frames, holding no more than one frame's allowance.

    Feed it what arrives; it yields each frame once its last byte is there.
    """

    def __init__(self, rules: Mapping[str, FrameRule]) -> None:
        """Accept the frames that ``rules`` names by kind, and no others."""
        self._rules = rules
        self._buffer = bytearray()
        self._pending: tuple[str, Mapping[str, Scalar], int] | None = None

    @property
    def mid_frame(self) -> bool:
        """Whether the bytes so far end inside a frame."""
        return bool(self._buffer) or self._pending is not None

    def feed(self, data: bytes | memoryview) -> Iterator[Frame]:
        """Yield the frames that ``data`` completes.

        Raises:
            ProtocolViolationError: a length, a header or a field breaks the rules. The
                decoder is of no use afterwards.
        """
        self._buffer += data
        while True:
            if self._pending is None:
                self._pending = self._next_header()
                if self._pending is None:
                    return
            kind, fields, length = self._pending
            if len(self._buffer) < length:
                return
            payload = bytes(memoryview(self._buffer)[:length])
            del self._buffer[:length]
            self._pending = None
            yield Frame(kind=kind, fields=fields, payload=payload)

    def _next_header(self) -> tuple[str, Mapping[str, Scalar], int] | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if not 2 <= length <= HEADER_BYTES_LIMIT:
            raise ProtocolViolationError(f"a header of {length} bytes was announced")
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        header = _parse_header(bytes(self._buffer[_LENGTH.size : end]))
        del self._buffer[:end]
        return self._checked(header)

    def _checked(self, header: dict[str, Scalar]) -> tuple[str, Mapping[str, Scalar], int]:
        kind, length = header.pop("kind", None), header.pop("bytes", None)
        if not isinstance(kind, str) or kind not in self._rules:
            shown = repr(kind[:40]) if isinstance(kind, str) else "that is no text"
            raise ProtocolViolationError(f"a frame of unknown kind {shown}")
        rule = self._rules[kind]
        if type(length) is not int or not 0 <= length <= rule.payload_bytes:
            shown = str(length)[:40] if type(length) is int else "what is no number of"
            raise ProtocolViolationError(
                f"a {kind} frame announced {shown} bytes; {rule.payload_bytes} are allowed"
            )
        if header.keys() != rule.fields.keys():
            raise ProtocolViolationError(f"a {kind} frame with the wrong fields")
        for name, wanted in rule.fields.items():
            value = header[name]
            if type(value) is not wanted:
                raise ProtocolViolationError(f"{name} of a {kind} frame is no {wanted.__name__}")
            if isinstance(value, float) and not math.isfinite(value):
                raise ProtocolViolationError(f"{name} of a {kind} frame is not finite")
        return kind, header, length


def _parse_header(body: bytes) -> dict[str, Scalar]:
    try:
        header = json.loads(body.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolationError("a header that is not JSON") from error
    if not isinstance(header, dict):
        raise ProtocolViolationError("a header that is not a JSON object")
    return header


def _without_duplicates(pairs: list[tuple[str, Scalar]]) -> dict[str, Scalar]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found
