"""A checkpoint in the format of `torch.save`, read by a reader that allows what torch's safe one does."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import pytest
from safetensors.numpy import save

from runner.parsers.safetensors import CheckpointError
from runner.results.torch_file import torch_file

_DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


class Storage(NamedTuple):
    """Where the values of a tensor are."""

    dtype: str
    key: str
    number: int


class Reader(pickle.Unpickler):
    """Finds the names that ``torch.load(..., weights_only=True)`` allows for tensors, and no other."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        super().__init__(io.BytesIO(archive.read("archive/data.pkl")))
        self._archive = archive

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild
        assert module == "torch"
        return _DTYPES[name]

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, place, number = pid
        assert (kind, place) == ("storage", "cpu")
        return Storage(dtype, key, number)

    def _rebuild(
        self,
        storage: Storage,
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        requires_grad: bool,
        hooks: OrderedDict[str, object],
    ) -> np.ndarray[Any, Any]:
        assert (offset, requires_grad, hooks) == (0, False, OrderedDict())
        values = np.frombuffer(self._archive.read(f"archive/data/{storage.key}"), storage.dtype)
        assert len(values) == storage.number
        bytes_between = tuple(stride * values.itemsize for stride in strides)
        return np.lib.stride_tricks.as_strided(values, shape, bytes_between)


def test_all_tensors_are_there() -> None:
    """With their names, types, shapes and values; scalars, empty ones and long sizes too."""
    chance = np.random.default_rng(0)
    tensors: dict[str, np.ndarray[Any, Any]] = {
        f"layer.{dtype}": chance.integers(0, 2, (2, 3, 4)).astype(dtype) for dtype in _DTYPES.values()
    }
    tensors |= {"scalar": np.array(3.5, np.float32), "empty": np.zeros((0, 7), np.float32)}
    tensors |= {"long": np.zeros(70_000, np.uint8), "na\N{LATIN SMALL LETTER I WITH DIAERESIS}ve": np.ones(1)}
    with zipfile.ZipFile(io.BytesIO(torch_file(save(tensors)))) as archive:
        assert all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
        assert archive.read("archive/byteorder") == b"little"
        read = Reader(archive).load()
    assert list(read) == sorted(tensors)
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        np.testing.assert_array_equal(read[name], tensor)


def test_equal_checkpoints_are_equal_files() -> None:
    """Whatever the order of their tensors, and whenever they are written."""
    first, second = np.ones(2, np.float32), np.zeros(3, np.int64)
    assert torch_file(save({"a": first, "b": second})) == torch_file(save({"b": second, "a": first}))


def test_anything_else_is_refused() -> None:
    """As everywhere else."""
    with pytest.raises(CheckpointError):
        torch_file(b"\x80\x02}.")
