"""A zip archive built by hand: each field can be falsified, and the rest stays consistent."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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


def second_name(raw: bytes, name: str) -> bytes:
    """Return the Unicode path field of an entry whose name is ``raw``."""
    return extra(0x7075, struct.pack("<BL", 1, zlib.crc32(raw)) + name.encode())


def in_zip64(member: Member, **end64: Any) -> bytes:
    """Return an archive of one entry with all numbers in zip64 form; ``end64`` replaces some of the end's."""
    full = {"packed": 0xFFFF_FFFF, "unpacked": 0xFFFF_FFFF}
    size = len(member.data)
    wide = replace(
        member,
        extra=extra(1, struct.pack("<QQQ", size, size, 0)) + member.extra,
        local_extra=extra(1, struct.pack("<QQ", size, size)) + member.local_extra,
        directory={**full, "version": 45, "offset": 0xFFFF_FFFF} | member.directory,
        local={**full, "version": 45} | member.local,
    )
    plain = build([wide])
    directory = 46 + len(wide.name) + len(wide.extra)
    end = len(plain) - 22
    numbers = {
        "length": 44,
        "made_by": 45,
        "version": 45,
        "disk": 0,
        "first_disk": 0,
        "entries_here": 1,
        "entries": 1,
        "bytes": directory,
        "offset": end - directory,
    } | end64
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", *numbers.values())
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, end, 1)
    ending: dict[str, Any] = {
        "entries_here": 0xFFFF,
        "entries": 0xFFFF,
        "bytes": 0xFFFF_FFFF,
        "offset": 0xFFFF_FFFF,
    }
    return build([wide], before_end=record + locator, **ending)
