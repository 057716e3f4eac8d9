"""Whether bytes from a submission are the checkpoint that was due; without torch or pickle.

The layout of safetensors is eight bytes of header length, a JSON header that gives each
tensor's dtype, shape and place, then the data. Names, dtypes and shapes must be exactly
the original network's and the tensors must fill the data without gap or overlap, so the
only freedom left is the order of the tensors and their values. Of these floats must be finite, and
integers of a tensor with dimensions within the original's: networks index with such buffers, and an
index out of bounds ends the evaluator.

Source: the format section of the safetensors documentation (0.8).
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.text import harmless_line

_LENGTH: Final = struct.Struct("<Q")
_HEADER_SLACK_BYTES: Final = 4096
_ITEM_BYTES: Final = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}
_FLOATS: Final[Mapping[str, np.dtype[Any]]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
}


_INTEGERS: Final[Mapping[str, np.dtype[Any]]] = {
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("u1"),
}


class CheckpointError(ValueError):
    """The bytes are not the checkpoint that was due; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """What one tensor must be."""

    dtype: str
    shape: tuple[int, ...]
    bounds: tuple[int, int] | None = None
    """The least and the greatest that integers may be; None: any, and of floats all that are finite."""

    @property
    def bytes(self) -> int:
        """Return its size."""
        return math.prod(self.shape) * _ITEM_BYTES[self.dtype]


Spec = Mapping[str, TensorSpec]


def spec_of(original: bytes) -> Spec:
    """Return what a checkpoint must look like, from the original network's safetensors.

    Raises:
        CheckpointError: these are no safetensors, have a dtype that is not known here, or what the
            header says is not what follows it.
    """
    return {
        name: replace(tensor, bounds=_bounds_of(tensor, data))
        for name, (tensor, data) in tensors_of(original, most_header_bytes=len(original)).items()
    }


def largest_checkpoint_bytes(spec: Spec) -> int:
    """Return the length that no acceptable checkpoint exceeds."""
    return _LENGTH.size + _header_limit(spec) + sum(tensor.bytes for tensor in spec.values())


def check(data: bytes, spec: Spec) -> None:
    """Accept a checkpoint, or say what is wrong with it.

    Memory use is that of one tensor at a time, whatever the header claims.

    Raises:
        CheckpointError: with one sentence fit to be shown to the participant.
    """
    header, tensors = _split(data, header_limit=_header_limit(spec))
    if header.keys() != spec.keys():
        missing, extra = sorted(spec.keys() - header.keys()), sorted(header.keys() - spec.keys())
        raise CheckpointError(
            f"the state dict has wrong keys: {_some(missing)} missing, {_some(extra)} not expected"
        )
    for name, wanted in spec.items():
        entry = header[name]
        if entry["dtype"] != wanted.dtype:
            raise CheckpointError(f"{name} has dtype {entry['dtype']}, not {wanted.dtype}")
        if tuple(entry["shape"]) != wanted.shape:
            raise CheckpointError(f"{name} has shape {_short(str(entry['shape']))}, not {list(wanted.shape)}")
    _check_places(header, spec, len(tensors))
    for name, wanted in spec.items():
        begin, end = header[name]["data_offsets"]
        if not _is_finite(tensors[begin:end], wanted.dtype):
            raise CheckpointError(f"{name} has values that are not finite")
        if wanted.bounds is not None and not _is_within(tensors[begin:end], wanted):
            least, greatest = wanted.bounds
            raise CheckpointError(
                f"{name} has integers that are not from {least} to {greatest}, as the original's are"
            )


def tensors_of(data: bytes, *, most_header_bytes: int) -> Mapping[str, tuple[TensorSpec, memoryview]]:
    """Return what safetensors hold by name: what each tensor is, and its bytes, not copied.

    Raises:
        CheckpointError: these are no safetensors, or what the header says is not what follows it.
    """
    header, tensors = _split(data, header_limit=most_header_bytes)
    spec = {
        name: TensorSpec(dtype=entry["dtype"], shape=tuple(entry["shape"])) for name, entry in header.items()
    }
    _check_places(header, spec, len(tensors))
    found = {}
    for name, what in spec.items():
        begin, end = header[name]["data_offsets"]
        found[name] = (what, tensors[begin:end])
    return found


def content_sha256(data: bytes) -> str:
    """Return the hash of names and values of an accepted checkpoint, whatever their order in it."""
    header, tensors = _split(data, header_limit=len(data))
    digest = hashlib.sha256()
    for name in sorted(header):
        begin, end = header[name]["data_offsets"]
        digest.update(json.dumps([name, end - begin]).encode())
        digest.update(tensors[begin:end])
    return digest.hexdigest()


def _header_limit(spec: Spec) -> int:
    return _HEADER_SLACK_BYTES + sum(256 + 6 * len(name) for name in spec)


def _split(data: bytes, *, header_limit: int) -> tuple[dict[str, dict[str, Any]], memoryview]:
    if len(data) < _LENGTH.size:
        raise CheckpointError("it is too short for safetensors")
    (length,) = _LENGTH.unpack_from(data)
    if not 2 <= length <= min(header_limit, len(data) - _LENGTH.size):
        raise CheckpointError(f"its header claims {length} bytes")
    view = memoryview(data)
    try:
        header = json.loads(
            str(view[_LENGTH.size : _LENGTH.size + length], "utf-8"),
            object_pairs_hook=_unique,
            parse_int=_natural,
            parse_float=_refused,
            parse_constant=_refused,
        )
    except (ValueError, RecursionError) as error:
        raise CheckpointError("its header is not the JSON of safetensors") from error
    if not isinstance(header, dict):
        raise CheckpointError("its header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(map(_is_text, [*metadata, *metadata.values()])):
        raise CheckpointError("its metadata are not text")
    for name, entry in header.items():
        _check_entry(name, entry)
    return header, view[_LENGTH.size + length :]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _is_text(value: object) -> bool:
    """Return whether it is a string of real characters: no half of a surrogate pair."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _natural(text: str) -> int:
    if text.startswith("-") or len(text) > 18:
        raise ValueError("no number of a header is negative or so large")
    return int(text)


def _refused(text: str) -> None:
    raise ValueError(f"{text} has no place in a header")


def _check_entry(name: str, entry: object) -> None:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise CheckpointError(f"the header's entry of {_short(name)} is malformed")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not isinstance(entry["dtype"], str):
        raise CheckpointError(f"{_short(name)} has a dtype that is no text")
    if entry["dtype"] not in _ITEM_BYTES:
        raise CheckpointError(f"{_short(name)} has the unknown dtype {_short(entry['dtype'])}")
    if not isinstance(shape, list) or len(shape) > 16 or not all(map(_is_size, shape)):
        raise CheckpointError(f"{_short(name)} has a malformed shape")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_size, offsets)):
        raise CheckpointError(f"{_short(name)} has malformed offsets")


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


def _check_places(header: Mapping[str, Mapping[str, Any]], spec: Spec, data_bytes: int) -> None:
    """Require that the tensors fill the data exactly, one behind the other."""
    expected = 0
    for name in sorted(header, key=lambda one: (header[one]["data_offsets"], spec[one].bytes)):
        begin, end = header[name]["data_offsets"]
        if begin != expected or end - begin != spec[name].bytes:
            raise CheckpointError(f"{name} is not where a tensor of its size belongs")
        expected = end
    if expected != data_bytes:
        raise CheckpointError(f"{data_bytes - expected} bytes too many or too few follow the tensors")


def _is_finite(data: memoryview, dtype: str) -> bool:
    if dtype == "BF16":
        bits: NDArray[np.uint16] = np.frombuffer(data, dtype="<u2")
        return not bool(np.any((bits & 0x7F80) == 0x7F80))
    if dtype in _FLOATS:
        return bool(np.isfinite(np.frombuffer(data, dtype=_FLOATS[dtype])).all())
    return True


def _bounds_of(tensor: TensorSpec, data: memoryview) -> tuple[int, int] | None:
    """Return what integers of a checkpoint may be, given the original's.

    A counter, which has no dimensions, is free: training moves it. Truth values are 0 and 1, either.
    """
    if tensor.dtype == "BOOL":
        return 0, 1
    if tensor.dtype not in _INTEGERS or not tensor.shape or not len(data):
        return None
    values = np.frombuffer(data, dtype=_INTEGERS[tensor.dtype])
    return int(values.min()), int(values.max())


def _is_within(data: memoryview, wanted: TensorSpec) -> bool:
    values = np.frombuffer(data, dtype=_INTEGERS[wanted.dtype])
    if wanted.bounds is None or not len(values):
        return True
    least, greatest = wanted.bounds
    return least <= int(values.min()) and int(values.max()) <= greatest


def _some(names: list[str]) -> str:
    shown = ", ".join(_short(name) for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown or "none"


def _short(text: str) -> str:
    """Return a stranger's text as a message may contain it."""
    return harmless_line(text, 60) or '""'
