"""Encoder and decoder of frames: the length-prefixed messages between the host and a container.

A frame is a 4-byte big-endian length, a JSON header of that length, then as many payload
bytes as the header's ``bytes`` states. Both sides import this file. The host uses it to read
what untrusted code may have written, so every length is checked *before* anything of that
length is read or stored.

Only the standard library is imported here, because the host and the image share this module.
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
    """The other side sent something that is not a frame, or a frame that is not allowed here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRule:
    """The fields and the payload limit of one kind of frame."""

    fields: Mapping[str, FieldType] = field(default_factory=dict)
    """Name and exact type of every header field besides ``kind`` and ``bytes``."""

    later_fields: Mapping[str, FieldType] = field(default_factory=dict)
    """The same for fields that earlier images do not send: all of them are there, or none."""

    payload_bytes: int = 0
    """The maximum number of payload bytes of such a frame."""


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
    """Return the bytes that precede a payload of that length, so that a large payload need not be copied.

    Raises:
        ValueError: the header is longer than `HEADER_BYTES_LIMIT`, or a number is not finite.
    """
    body = json.dumps({"kind": kind, "bytes": payload_bytes, **fields}, allow_nan=False).encode()
    if len(body) > HEADER_BYTES_LIMIT:
        raise ValueError(f"a {kind} header of {len(body)} bytes is over {HEADER_BYTES_LIMIT}")
    return _LENGTH.pack(len(body)) + body


class Decoder:
    """Cuts a byte stream into frames; holds at most what one frame may contain.

    `feed` takes the bytes as they arrive and yields each frame when its last byte has arrived.
    """

    def __init__(self, rules: Mapping[str, FrameRule]) -> None:
        """Accept only the kinds of frames that ``rules`` lists."""
        self._rules = rules
        self._buffer = bytearray()
        self._pending: tuple[str, Mapping[str, Scalar], int] | None = None

    def feed(self, data: bytes | memoryview) -> Iterator[Frame]:
        """Yield the frames that ``data`` completes.

        Raises:
            ProtocolViolationError: a length, a header or a field breaks the rules. The
                decoder cannot be used afterwards.
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
        return self._check(header)

    def _check(self, header: dict[str, Scalar]) -> tuple[str, Mapping[str, Scalar], int]:
        kind, length = header.pop("kind", None), header.pop("bytes", None)
        if not isinstance(kind, str) or kind not in self._rules:
            quoted = repr(kind[:40]) if isinstance(kind, str) else "(not a string)"
            raise ProtocolViolationError(f"a frame of unknown kind {quoted}")
        rule = self._rules[kind]
        if type(length) is not int or not 0 <= length <= rule.payload_bytes:
            amount = str(length)[:40] if type(length) is int else "an invalid number of"
            raise ProtocolViolationError(
                f"a {kind} frame announced {amount} bytes; {rule.payload_bytes} are allowed"
            )
        expected = {**rule.fields}
        if not header.keys().isdisjoint(rule.later_fields):
            expected |= rule.later_fields
        if header.keys() != expected.keys():
            raise ProtocolViolationError(f"a {kind} frame with the wrong fields")
        for name, expected_type in expected.items():
            value = header[name]
            if type(value) is not expected_type:
                raise ProtocolViolationError(f"{name} of a {kind} frame is no {expected_type.__name__}")
            if isinstance(value, float) and not math.isfinite(value):
                raise ProtocolViolationError(f"{name} of a {kind} frame is not finite")
        return kind, header, length


def _parse_header(body: bytes) -> dict[str, Scalar]:
    try:
        header = json.loads(body.decode("utf-8"), object_pairs_hook=_reject_duplicates)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolationError("a header that is not JSON") from error
    if not isinstance(header, dict):
        raise ProtocolViolationError("a header that is not a JSON object")
    return header


def _reject_duplicates(pairs: list[tuple[str, Scalar]]) -> dict[str, Scalar]:
    header = dict(pairs)
    if len(header) != len(pairs):
        raise ValueError("a name occurs twice")
    return header
