"""Arrays on disk as npz: plain numbers only, whatever the file claims."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ArraysError(ValueError):
    """The bytes are not the arrays that were due; the text says why."""


def pack(**arrays: NDArray[Any]) -> bytes:
    """Return arrays as npz whose bytes depend on nothing but the arrays."""
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    return packed.getvalue()


def unpack(data: bytes, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the named arrays of an npz.

    Raises:
        ArraysError: it is not one, or lacks one of them, or holds something else than numbers.
    """
    try:
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        if not isinstance(loaded, np.lib.npyio.NpzFile):
            raise ArraysError("it is a single array")
        with loaded:
            return {name: np.asarray(loaded[name]) for name in names}
    except (ValueError, KeyError, OSError, EOFError, MemoryError) as error:
        raise ArraysError(str(error) or "it is empty") from error
    except (RuntimeError, zipfile.BadZipFile, zlib.error) as error:  # encrypted, compressed oddly, broken
        raise ArraysError(str(error) or "it is empty") from error
