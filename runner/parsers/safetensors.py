"""TODO runner.parsers.safetensors."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from runner.sanitize import sanitize_line

LENGTH: Final = struct.Struct("<Q")
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


CheckpointSpec = Mapping[str, TensorSpec]


def read_tensors(data: bytes, *, most_header_bytes: int) -> Mapping[str, tuple[TensorSpec, memoryview]]:
    """Return what safetensors hold by name: what each tensor is, and its bytes, not copied.

    Raises:
        CheckpointError: these are no safetensors, or what the header says is not what follows it.
    """
    header, tensors = split_header(data, header_limit=most_header_bytes)
    spec = {
        name: TensorSpec(dtype=entry["dtype"], shape=tuple(entry["shape"])) for name, entry in header.items()
    }
    check_offsets(header, spec, len(tensors))
    found = {}
    for name, what in spec.items():
        begin, end = header[name]["data_offsets"]
        found[name] = (what, tensors[begin:end])
    return found


def split_header(data: bytes, *, header_limit: int) -> tuple[dict[str, dict[str, Any]], memoryview]:
    if len(data) < LENGTH.size:
        raise CheckpointError("it is too short for safetensors")
    (length,) = LENGTH.unpack_from(data)
    if not 2 <= length <= min(header_limit, len(data) - LENGTH.size):
        raise CheckpointError(f"its header claims {length} bytes")
    view = memoryview(data)
    try:
        header = json.loads(
            str(view[LENGTH.size : LENGTH.size + length], "utf-8"),
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
    return header, view[LENGTH.size + length :]


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
        raise CheckpointError(f"the header's entry of {shortened(name)} is malformed")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not isinstance(entry["dtype"], str):
        raise CheckpointError(f"{shortened(name)} has a dtype that is no text")
    if entry["dtype"] not in _ITEM_BYTES:
        raise CheckpointError(f"{shortened(name)} has the unknown dtype {shortened(entry['dtype'])}")
    if not isinstance(shape, list) or len(shape) > 16 or not all(map(_is_size, shape)):
        raise CheckpointError(f"{shortened(name)} has a malformed shape")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_size, offsets)):
        raise CheckpointError(f"{shortened(name)} has malformed offsets")


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


def check_offsets(header: Mapping[str, Mapping[str, Any]], spec: CheckpointSpec, data_bytes: int) -> None:
    """Require that the tensors fill the data exactly, one behind the other."""
    expected = 0
    for name in sorted(header, key=lambda one: (header[one]["data_offsets"], spec[one].bytes)):
        begin, end = header[name]["data_offsets"]
        if begin != expected or end - begin != spec[name].bytes:
            raise CheckpointError(f"{name} is not where a tensor of its size belongs")
        expected = end
    if expected != data_bytes:
        raise CheckpointError(f"{data_bytes - expected} bytes too many or too few follow the tensors")


def shortened(text: str) -> str:
    """Return a stranger's text as a message may contain it."""
    return sanitize_line(text, 60) or '""'
