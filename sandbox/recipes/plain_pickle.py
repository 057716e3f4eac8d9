"""Read pickles of plain data: dicts, lists, strings, numbers and NumPy's arrays of numbers.

A pickle names the functions that build its objects. Only the names that arrays and bytes need are accepted,
and those that could do more are replaced by functions of this module.
"""

from __future__ import annotations

import io
import pickle  # its names are restricted by _PlainUnpickler
import re
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_NUMBER_KINDS: Final = "biuf"


def load_plain(data: bytes) -> object:
    """Return the object in a pickle of any protocol; strings of Python 2 become bytes.

    Raises:
        pickle.UnpicklingError: it uses a name that plain data do not need.
        Exception: it is damaged.
    """
    return _PlainUnpickler(io.BytesIO(data), encoding="bytes").load()


def _from_buffer(
    buffer: bytes | bytearray, dtype: np.dtype[Any], shape: tuple[int, ...], order: str, *axes: object
) -> NDArray[Any]:
    """Return an array of protocol 5, which holds its bytes as they lie in memory."""
    _require_numbers(dtype)
    if order not in ("C", "F") or axes not in ((), (None,)):
        raise pickle.UnpicklingError("it has an array in an unknown order")
    return np.frombuffer(bytes(buffer), dtype).reshape(shape, order="C" if order == "C" else "F")


def _scalar(dtype: np.dtype[Any], data: bytes) -> np.generic:
    """Return a single number of NumPy's."""
    _require_numbers(dtype)
    (number,) = np.frombuffer(bytes(data), dtype)
    assert isinstance(number, np.generic)
    return number


def _require_numbers(dtype: np.dtype[Any]) -> None:
    if not isinstance(dtype, np.dtype) or dtype.kind not in _NUMBER_KINDS:
        raise pickle.UnpicklingError(f"it has an array of {dtype}, which are not numbers")


def _encode(text: str, encoding: str) -> bytes:
    """Return bytes as Python 3 stores them in the protocols of Python 2: as text in Latin 1."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError("it encodes other text than bytes")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """Return empty bytes, which those protocols store as a call."""
    return b""


class _PlainUnpickler(pickle.Unpickler):
    """Accepts the names that arrays, numbers and bytes need, and no others."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - the signature of the base class
        """Return the object of an accepted name, in the old or new place within NumPy."""
        accepted = {
            "numpy.ndarray": np.ndarray,
            "numpy.dtype": np.dtype,
            "numpy._core.multiarray._reconstruct": np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
            "numpy._core.multiarray.scalar": _scalar,
            "numpy._core.numeric._frombuffer": _from_buffer,
            "_codecs.encode": _encode,
            "__builtin__.bytes": _no_bytes,
            "builtins.bytes": _no_bytes,
        }
        place = re.sub(r"^numpy\.core\.", "numpy._core.", module)
        if f"{place}.{name}" not in accepted or "." in name:
            raise pickle.UnpicklingError(f"it uses {module}.{name}")
        return accepted[f"{place}.{name}"]
