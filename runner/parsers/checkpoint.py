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
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.parsers.safetensors import (
    LENGTH,
    CheckpointError,
    CheckpointSpec,
    TensorSpec,
    check_offsets,
    read_tensors,
    shortened,
    split_header,
)

_HEADER_SLACK_BYTES: Final = 4096
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


def checkpoint_spec(original: bytes) -> CheckpointSpec:
    """Return what a checkpoint must look like, from the original network's safetensors.

    Raises:
        CheckpointError: these are no safetensors, have a dtype that is not known here, or what the
            header says is not what follows it.
    """
    return {
        name: replace(tensor, bounds=_bounds_of(tensor, data))
        for name, (tensor, data) in read_tensors(original, most_header_bytes=len(original)).items()
    }


def max_checkpoint_bytes(spec: CheckpointSpec) -> int:
    """Return the length that no acceptable checkpoint exceeds."""
    return LENGTH.size + _header_limit(spec) + sum(tensor.bytes for tensor in spec.values())


def check_checkpoint(data: bytes, spec: CheckpointSpec) -> None:
    """Accept a checkpoint, or say what is wrong with it.

    Memory use is that of one tensor at a time, whatever the header claims.

    Raises:
        CheckpointError: with one sentence fit to be shown to the participant.
    """
    header, tensors = split_header(data, header_limit=_header_limit(spec))
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
            raise CheckpointError(
                f"{name} has shape {shortened(str(entry['shape']))}, not {list(wanted.shape)}"
            )
    check_offsets(header, spec, len(tensors))
    for name, wanted in spec.items():
        begin, end = header[name]["data_offsets"]
        if not _is_finite(tensors[begin:end], wanted.dtype):
            raise CheckpointError(f"{name} has values that are not finite")
        if wanted.bounds is not None and not _is_within(tensors[begin:end], wanted):
            least, greatest = wanted.bounds
            raise CheckpointError(
                f"{name} has integers that are not from {least} to {greatest}, as the original's are"
            )


def content_sha256(data: bytes) -> str:
    """Return the hash of names and values of an accepted checkpoint, whatever their order in it."""
    header, tensors = split_header(data, header_limit=len(data))
    digest = hashlib.sha256()
    for name in sorted(header):
        begin, end = header[name]["data_offsets"]
        digest.update(json.dumps([name, end - begin]).encode())
        digest.update(tensors[begin:end])
    return digest.hexdigest()


def _header_limit(spec: CheckpointSpec) -> int:
    return _HEADER_SLACK_BYTES + sum(256 + 6 * len(name) for name in spec)


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
    shown = ", ".join(shortened(name) for name in names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown or "none"
