"""Arrays on disk as npz: plain numbers only, whatever the file claims.

Arrays are read by hand. NumPy's own reader evaluates an array's header as Python source, accepts
many kinds of array, and allocates the size that a header claims before it looks at the length of the data.

Source: NEP 1, the npy format, version 1.0.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_MAGIC: Final = b"\x93NUMPY\x01\x00"
_LENGTH: Final = struct.Struct("<H")
_HEADER: Final = re.compile(
    rb"\{'descr': '([<|][biuf][1248])', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,200})\), \} *\n"
)
_NUMBERS: Final = frozenset(
    {"|b1", "|i1", "|u1", "<i2", "<i4", "<i8", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8"}
)
_MAX_DIMENSIONS: Final = 8
_MAX_DIMENSION: Final = 1 << 40

NPZ_OVERHEAD_BYTES: Final = 1 << 16
"""More than the headers of a small npz take, whoever wrote it."""


class ArraysError(ValueError):
    """The bytes are not the expected arrays; the text says why."""


def pack_npz(**arrays: NDArray[Any]) -> bytes:
    """Return arrays as npz whose bytes depend on the arrays alone.

    `numpy.savez` requests zip64 headers, whose form differs between Python 3.11.3 and 3.11.4:
    the same challenge, built on two hosts, would not have the same hash.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getbuffer())
    return packed.getvalue()


def split_buffer(data: bytes, **parts: tuple[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    """Return arrays whose bytes follow each other, given the dtype and the shape of each; they are read-only.

    Raises:
        ArraysError: the data is longer or shorter than the arrays.
    """
    sizes = [np.dtype(dtype).itemsize * math.prod(shape) for dtype, shape in parts.values()]
    if sum(sizes) != len(data):
        raise ArraysError(f"{len(data)} bytes, not {sum(sizes)}")
    arrays, begin = {}, 0
    for (name, (dtype, shape)), size in zip(parts.items(), sizes, strict=True):
        arrays[name] = np.frombuffer(data[begin : begin + size], dtype=dtype).reshape(shape)
        begin += size
    return arrays


def unpack_npz(data: bytes, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the named arrays of an npz.

    Raises:
        ArraysError: it is not an npz, lacks one of the arrays, or holds anything else than numbers.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _require_distinct_offsets(archive)
            return {name: _array(name, _member(archive, f"{name}.npy")) for name in names}
    except ArraysError:
        raise
    except (
        *(ValueError, KeyError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, struct.error),
        OverflowError,  # a member whose offset exceeds what Python can seek to
    ) as error:
        raise ArraysError(str(error) or "it is empty") from error


def _require_distinct_offsets(archive: zipfile.ZipFile) -> None:
    """Refuse two members at one offset: Python would read one, and from 3.13 on warn of it on stderr."""
    offsets = [member.header_offset for member in archive.infolist()]
    if len(set(offsets)) != len(offsets):
        raise ArraysError("two of its members are at one offset")


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if name not in archive.NameToInfo:
        raise ArraysError(f"it has no {name}")
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ArraysError(f"{name} is compressed")
    return archive.read(name)


def _array(name: str, data: bytes) -> NDArray[Any]:
    begin = len(_MAGIC) + _LENGTH.size
    if not data.startswith(_MAGIC) or len(data) < begin:
        raise ArraysError(f"{name} is not an array")
    end = begin + _LENGTH.unpack_from(data, len(_MAGIC))[0]
    header = _HEADER.fullmatch(data[begin:end])
    if header is None or header[1].decode() not in _NUMBERS:
        raise ArraysError(f"{name} is not an array of plain numbers")
    dtype = np.dtype(header[1].decode())
    sizes = [int(size) for size in header[3].split(b",") if size.strip()]
    if len(sizes) > _MAX_DIMENSIONS or max(sizes, default=0) > _MAX_DIMENSION:
        raise ArraysError(f"{name} has too many or too long dimensions")
    if math.prod(sizes) * dtype.itemsize != len(data) - end:
        raise ArraysError(f"{name} does not have the size that its header claims")
    array = np.frombuffer(data, dtype, offset=end) if data[end:] else np.zeros(0, dtype)
    return array.reshape(sizes, order="F" if header[2] == b"True" else "C").copy()
