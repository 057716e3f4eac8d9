"""Write a state dict as ``torch.save`` does, without torch: a stored zip with a pickle and a file per tensor.

The pickle is written opcode by opcode, from names, shapes and types alone; torch loads it with
``weights_only=True``. Nothing is ever read in this format here.

Source: ``torch/serialization.py`` and ``torch/_weights_only_unpickler.py`` of PyTorch 2.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Mapping
from typing import Final

from runner.parsers.safetensors import TensorSpec, read_tensors

_ROOT: Final = "archive"
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""Time of each file, so that equal checkpoints are equal bytes."""
_STORAGES: Final = {
    "F64": "DoubleStorage",
    "F32": "FloatStorage",
    "F16": "HalfStorage",
    "BF16": "BFloat16Storage",
    "I64": "LongStorage",
    "I32": "IntStorage",
    "I16": "ShortStorage",
    "I8": "CharStorage",
    "U8": "ByteStorage",
    "BOOL": "BoolStorage",
}
_PROTOCOL_2: Final = b"\x80\x02"
_MARK, _TUPLE, _EMPTY_TUPLE, _REDUCE = b"(", b"t", b")", b"R"
_SET_ITEMS, _PERSISTENT, _FALSE, _STOP = b"u", b"Q", b"\x89", b"."
"""Opcodes, as `pickletools` lists them."""


def torch_file(checkpoint: bytes) -> bytes:
    """Return the tensors of a checkpoint in the format of ``torch.save``, in their order of names.

    Args:
        checkpoint: Safetensors; values are little-endian in both formats.

    Raises:
        CheckpointError: the bytes are not safetensors.
    """
    tensors = dict(sorted(read_tensors(checkpoint, max_header_bytes=len(checkpoint)).items()))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, data: bytes | memoryview) -> None:
            archive.writestr(zipfile.ZipInfo(f"{_ROOT}/{name}", _EARLIEST), bytes(data))

        add("data.pkl", _pickle({name: spec for name, (spec, _data) in tensors.items()}))
        add("byteorder", b"little")
        for number, (_spec, data) in enumerate(tensors.values()):
            add(f"data/{number}", data)
        add("version", b"3\n")
    return file.getvalue()


def _pickle(tensors: Mapping[str, TensorSpec]) -> bytes:
    items = b"".join(
        _text(name) + _tensor(spec, number) for number, (name, spec) in enumerate(tensors.items())
    )
    return _PROTOCOL_2 + _ordered_dict() + _MARK + items + _SET_ITEMS + _STOP


def _tensor(spec: TensorSpec, number: int) -> bytes:
    """Return the call of ``torch._utils._rebuild_tensor_v2`` that makes a contiguous tensor."""
    storage = (
        _MARK
        + _text("storage")
        + _global("torch", _STORAGES[spec.dtype])
        + _text(str(number))
        + _text("cpu")
        + _integer(math.prod(spec.shape))
        + _TUPLE
        + _PERSISTENT
    )
    strides = [math.prod(spec.shape[at + 1 :]) for at in range(len(spec.shape))]
    return (
        _global("torch._utils", "_rebuild_tensor_v2")
        + _MARK
        + storage
        + _integer(0)  # offset in the storage
        + _integers(spec.shape)
        + _integers(strides)
        + _FALSE  # requires_grad
        + _ordered_dict()  # hooks
        + _TUPLE
        + _REDUCE
    )


def _ordered_dict() -> bytes:
    return _global("collections", "OrderedDict") + _EMPTY_TUPLE + _REDUCE


def _global(module: str, name: str) -> bytes:
    return b"c" + f"{module}\n{name}\n".encode()


def _text(text: str) -> bytes:
    data = text.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def _integers(numbers: tuple[int, ...] | list[int]) -> bytes:
    return _MARK + b"".join(map(_integer, numbers)) + _TUPLE


def _integer(number: int) -> bytes:
    if number < 1 << 31:
        return b"J" + struct.pack("<i", number)
    data = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data
