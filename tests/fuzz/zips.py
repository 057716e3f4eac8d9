"""A zip archive built by hand: each field can be falsified, and the rest stays consistent."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry; ``directory`` and ``local`` replace fields of their records."""

    name: bytes
    data: bytes = b""
    deflated: bool = False
    extra: bytes = b""
    local_extra: bytes = b""
    comment: bytes = b""
    before: bytes = b""
    """Bytes before its local header."""
    after: bytes = b""
    """Bytes behind its data."""
    directory: dict[str, Any] = field(default_factory=dict)
    local: dict[str, Any] = field(default_factory=dict)


def build(members: Sequence[Member], *, comment: bytes = b"", before_end: bytes = b"", **end: Any) -> bytes:
    """Return the archive; ``end`` replaces fields of the end record."""
    body, directory = bytearray(), bytearray()  # bytes would be copied for each of 65 535 members
    for member in members:
        packed = _deflate(member.data) if member.deflated else member.data
        common: dict[str, Any] = {
            "version": 20,
            "flags": 0,
            "method": 8 if member.deflated else 0,
            "time": 0,
            "date": 0x21,
            "crc": zlib.crc32(member.data),
            "packed": len(packed),
            "unpacked": len(member.data),
            "name": len(member.name),
        }
        body += member.before
        central = {
            "made_by": 0x0314,
            **common,
            "extra": len(member.extra),
            "comment": len(member.comment),
            "disk": 0,
            "internal": 0,
            "attributes": 0,
            "offset": len(body),
        } | member.directory
        local = {**common, "extra": len(member.local_extra)} | member.local
        name = local.pop("raw_name", member.name)
        body += struct.pack("<4s5H3L2H", b"PK\3\4", *local.values()) + name + member.local_extra
        body += packed + member.after
        directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", *central.values())
        directory += member.name + member.extra + member.comment
    record = {
        "disk": 0,
        "first_disk": 0,
        "entries_here": len(members),
        "entries": len(members),
        "bytes": len(directory),
        "offset": len(body),
        "comment": len(comment),
    } | end
    packed_end = struct.pack("<4s4H2LH", b"PK\5\6", *record.values())
    return bytes(body + directory) + before_end + packed_end + comment


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def extra(tag: int, body: bytes) -> bytes:
    """Return one extra field."""
    return struct.pack("<HH", tag, len(body)) + body
