"""The safetensors format, read by hand: which tensors are in the bytes, and where.

Eight bytes of header length come first, then a JSON header that states the dtype, shape and offsets of each
tensor, then the data. Here the tensors must fill the data without gap or overlap.

Source: the format section of the safetensors documentation (0.8).
"""

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
    """The bytes are not the expected tensors; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """Requirements on one tensor."""

    dtype: str
    shape: tuple[int, ...]
    bounds: tuple[int, int] | None = None
    """Minimum and maximum of integers. None: any integers; floats must be finite in any case."""
    largest: float = 0.0
    """The largest absolute value of the original's floats; only for messages."""

    @property
    def bytes(self) -> int:
        """Return its size."""
        return math.prod(self.shape) * _ITEM_BYTES[self.dtype]


CheckpointSpec = Mapping[str, TensorSpec]


def read_tensors(data: bytes, *, max_header_bytes: int) -> Mapping[str, tuple[TensorSpec, memoryview]]:
    """Return the tensors by name: the dtype and shape of each, and its bytes, not copied.

    Raises:
        CheckpointError: the bytes are not safetensors, or the data contradicts the header.
    """
    header, data_view = split_header(data, header_limit=max_header_bytes)
    spec = {
        name: TensorSpec(dtype=entry["dtype"], shape=tuple(entry["shape"])) for name, entry in header.items()
    }
    check_offsets(header, spec, len(data_view))
    tensors = {}
    for name, tensor in spec.items():
        begin, end = header[name]["data_offsets"]
        tensors[name] = (tensor, data_view[begin:end])
    return tensors


def split_header(data: bytes, *, header_limit: int) -> tuple[dict[str, dict[str, Any]], memoryview]:
    """Return the header's entries by tensor name, each checked by itself, and the data behind the header.

    Raises:
        CheckpointError: the header is longer than ``header_limit`` bytes, is not JSON, or is malformed.
    """
    header, _metadata, tensors = split_file(data, header_limit=header_limit)
    return header, tensors


def split_file(
    data: bytes, *, header_limit: int
) -> tuple[dict[str, dict[str, Any]], dict[str, str], memoryview]:
    """Return what `split_header` does, and between the two the metadata: any text by any name.

    Raises:
        CheckpointError: the header is longer than ``header_limit`` bytes, is not JSON, or is malformed.
    """
    if len(data) < LENGTH.size:
        raise CheckpointError("it is too short for safetensors")
    (length,) = LENGTH.unpack_from(data)
    if not 2 <= length <= min(header_limit, len(data) - LENGTH.size):
        raise CheckpointError(f"its header claims {length} bytes")
    view = memoryview(data)
    try:
        header = json.loads(
            str(view[LENGTH.size : LENGTH.size + length], "utf-8"),
            object_pairs_hook=_require_unique,
            parse_int=_parse_natural,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except (ValueError, RecursionError) as error:
        raise CheckpointError("its header is not the JSON of safetensors") from error
    if not isinstance(header, dict):
        raise CheckpointError("its header is not a JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(map(_is_text, [*metadata, *metadata.values()])):
        raise CheckpointError("its metadata is not text")
    for name, entry in header.items():
        _check_entry(name, entry)
    return header, metadata, view[LENGTH.size + length :]


def _require_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a name occurs twice")
    return entries


def _is_text(value: object) -> bool:
    """Return whether the value is a string of real characters: no half of a surrogate pair."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _parse_natural(text: str) -> int:
    if text.startswith("-") or len(text) > 18:
        raise ValueError("no number in a header is negative or so large")
    return int(text)


def _refuse_number(text: str) -> None:
    raise ValueError(f"{text} is not allowed in a header")


def _check_entry(name: str, entry: object) -> None:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise CheckpointError(f"the header's entry of {display_text(name)} is malformed")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if not isinstance(entry["dtype"], str):
        raise CheckpointError(f"{display_text(name)} has a dtype that is not text")
    if entry["dtype"] not in _ITEM_BYTES:
        raise CheckpointError(f"{display_text(name)} has the unknown dtype {display_text(entry['dtype'])}")
    if not isinstance(shape, list) or len(shape) > 16 or not all(map(_is_size, shape)):
        raise CheckpointError(f"{display_text(name)} has a malformed shape")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_size, offsets)):
        raise CheckpointError(f"{display_text(name)} has malformed offsets")


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


def check_offsets(header: Mapping[str, Mapping[str, Any]], spec: CheckpointSpec, data_bytes: int) -> None:
    """Require that the tensors fill the data exactly, one after the other.

    Raises:
        CheckpointError: there is a gap, an overlap or a remainder.
    """
    expected = 0
    for name in sorted(header, key=lambda name: (header[name]["data_offsets"], spec[name].bytes)):
        begin, end = header[name]["data_offsets"]
        if begin != expected or end - begin != spec[name].bytes:
            raise CheckpointError(f"{name} is not where a tensor of its size belongs")
        expected = end
    if expected != data_bytes:
        raise CheckpointError(f"{data_bytes - expected} bytes too many or too few follow the tensors")


def display_text(text: str) -> str:
    """Return untrusted text as a message may contain it: sanitized and shortened."""
    return sanitize_line(text, 60) or '""'
