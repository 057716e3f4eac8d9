"""Arrays as the bytes of npy and npz files, written by NumPy itself."""

from __future__ import annotations

import io
from typing import Any

import numpy as np


def npy(array: Any) -> bytes:
    """Return one array as npy; an array of objects is pickled."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    """Return arrays as npz; an array of objects is pickled."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()
