"""Arrays as the files of NumPy, written by NumPy itself."""

from __future__ import annotations

import io
from typing import Any

import numpy as np


def npz(**arrays: Any) -> bytes:
    """Return arrays as npz, pickled where they hold objects."""
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return packed.getvalue()


def npy(array: Any) -> bytes:
    """Return an array as npy."""
    packed = io.BytesIO()
    np.save(packed, array)
    return packed.getvalue()
