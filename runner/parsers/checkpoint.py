"""The check of a submission's checkpoint against the original network, without torch or pickle.

Names, dtypes and shapes must be exactly the original network's, and the tensors must fill the data without
gap or overlap (`runner.parsers.safetensors`): the only freedom left is the order of the tensors and their
values. Floats must be finite. Integers of a tensor with dimensions must be within the range of the
original's: networks index with such buffers, and an index out of bounds ends the evaluator.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.parsers.remarks import ANSWERS_UNLIKE
from runner.parsers.safetensors import (
    LENGTH,
    CheckpointError,
    CheckpointSpec,
    TensorSpec,
    check_offsets,
    display_text,
    read_tensors,
    split_file,
    split_header,
)
from runner.sanitize import sanitize_line
from runner.wording import first_of
from sandbox.protocol.messages import REMARK_HALF, REMARK_OUTSIDE

HALF_MAX: Final = 65504.0
"""The largest number of half precision."""
_HEADER_SLACK_BYTES: Final = 4096
_REMARK_CHARACTERS: Final = 200
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
    """Return the requirements on a checkpoint, from the original network's safetensors.

    Raises:
        CheckpointError: the bytes are not safetensors, have an unknown dtype, or the data contradicts the
            header.
    """
    return {
        name: replace(tensor, bounds=_bounds_of(tensor, data), largest=_largest(tensor, data))
        for name, (tensor, data) in read_tensors(original, max_header_bytes=len(original)).items()
    }


def max_checkpoint_bytes(spec: CheckpointSpec) -> int:
    """Return the maximum length of an acceptable checkpoint."""
    return LENGTH.size + _header_limit(spec) + sum(tensor.bytes for tensor in spec.values())


def check_checkpoint(data: bytes, spec: CheckpointSpec) -> str:
    """Accept a checkpoint or raise the first problem.

    Memory use is that of one tensor at a time, whatever the header claims.

    Returns:
        A sentence about an accepted checkpoint that answers unlike the network it was made from, as the run
        itself reported: advice for the participant, no evidence. Empty without such a report.

    Raises:
        CheckpointError: the checkpoint is refused; the text may be shown to the participant.
    """
    header, metadata, tensors = split_file(data, header_limit=_header_limit(spec))
    if header.keys() != spec.keys():
        missing, extra = sorted(spec.keys() - header.keys()), sorted(header.keys() - spec.keys())
        raise CheckpointError(
            f"the state dict has wrong keys: {_some(missing)} missing, {_some(extra)} not expected"
        )
    for name, expected in spec.items():
        entry = header[name]
        if entry["dtype"] != expected.dtype:
            raise CheckpointError(f"{name} has dtype {entry['dtype']}, not {expected.dtype}")
        if tuple(entry["shape"]) != expected.shape:
            raise CheckpointError(
                f"{name} has shape {display_text(str(entry['shape']))}, not {list(expected.shape)}"
            )
    check_offsets(header, spec, len(tensors))
    for name, expected in spec.items():
        begin, end = header[name]["data_offsets"]
        if not _is_finite(tensors[begin:end], expected.dtype):
            raise CheckpointError(f"{name} has values that are not finite{_overflow(expected, metadata)}")
        if expected.bounds is not None and not _is_within(tensors[begin:end], expected):
            minimum, maximum = expected.bounds
            raise CheckpointError(
                f"{name} has integers outside the original's range of {minimum} to {maximum}"
            )
    if REMARK_OUTSIDE not in metadata:
        return ""
    return f"{ANSWERS_UNLIKE} ({_remark(metadata, REMARK_OUTSIDE)})"


def _overflow(expected: TensorSpec, metadata: Mapping[str, str]) -> str:
    """Return why values are not finite, if the run reports that it returned them in half precision."""
    if REMARK_HALF not in metadata:
        return ""
    return (
        f": they were returned in half precision, which values above {HALF_MAX:g} do not fit (the original's "
        f"own largest value there is {expected.largest:.6g})"
    )


def _remark(metadata: Mapping[str, str], name: str) -> str:
    return sanitize_line(metadata[name], _REMARK_CHARACTERS) or "unknown"


def content_sha256(data: bytes) -> str:
    """Return the SHA-256 of names and values of an accepted checkpoint; their order does not matter."""
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
    """Return the range of a checkpoint's integers, given the original's, or None for any.

    A counter has no dimensions and is free: training changes it. Truth values are 0 or 1.
    """
    if tensor.dtype == "BOOL":
        return 0, 1
    if tensor.dtype not in _INTEGERS or not tensor.shape or not len(data):
        return None
    values = np.frombuffer(data, dtype=_INTEGERS[tensor.dtype])
    return int(values.min()), int(values.max())


def _largest(tensor: TensorSpec, data: memoryview) -> float:
    """Return the largest absolute value of a tensor of floats; 0 for any other."""
    if tensor.dtype not in _FLOATS or not len(data):
        return 0.0
    values = np.frombuffer(data, dtype=_FLOATS[tensor.dtype])
    return float(max(abs(values.max()), abs(values.min())))


def _is_within(data: memoryview, expected: TensorSpec) -> bool:
    values = np.frombuffer(data, dtype=_INTEGERS[expected.dtype])
    if expected.bounds is None or not len(values):
        return True
    minimum, maximum = expected.bounds
    return minimum <= int(values.min()) and int(values.max()) <= maximum


def _some(names: list[str]) -> str:
    return first_of([display_text(name) for name in names], 3) or "none"
