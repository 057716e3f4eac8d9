"""The state of a network that its state dict does not hold: digests of attributes, by name.

Whoever loads a checkpoint builds the network anew, so everything outside of the state dict is whatever that
building makes of it. Digests of two networks show which attributes differ: plain tensors and arrays, buffers
that are not persistent, numbers, lists of them, replaced methods, hooks and modules of other types.
"""

from __future__ import annotations

import hashlib
import types
from collections.abc import Iterator, Mapping, Sized
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_OWN_TABLES: Final = frozenset(vars(nn.Module()))
"""The attributes in which torch keeps parameters, buffers, modules, hooks and the mode."""
_MAX_DEPTH: Final = 6
_MAX_VALUES: Final = 100_000
"""Of one network. More take a second; they count as equal."""
_MAX_BYTES: Final = 16 << 20
"""Of one tensor or array; of a larger one, so many bytes are looked at, evenly spread."""
_HOOKS: Final = ("_forward_hooks", "_forward_pre_hooks")
_SHOWN_NAMES: Final = 3
_UNKNOWN: Final = "unknown"
_DATA: Final = (Tensor, np.ndarray, np.generic, bool, int, float, complex, str, list, tuple, dict)


def attribute_digests(net: nn.Module, module: types.ModuleType | None = None) -> dict[str, str]:
    """Return a digest of each attribute of a network that is not in its state dict, by its dotted name.

    Args:
        net: Any network; only its attributes are read.
        module: The Python module that defines it, whose variables count too.
    """
    digests, digester = {}, _Digester()
    for path, part in net.named_modules():
        prefix = f"{path}." if path else ""
        for name, value in _attributes(part):
            digests[prefix + name] = digester.digest(value)
    for name, value in _data_of(vars(module)) if module is not None else ():
        digests[name] = digester.digest(value)
    return digests


def differing_names(left: Mapping[str, str], right: Mapping[str, str]) -> list[str]:
    """Return the names whose digests differ, or that only one network has."""
    return [name for name in {**left, **right} if left.get(name) != right.get(name)]


def join_names(names: list[str]) -> str:
    """Return the first few names as text."""
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def _attributes(part: nn.Module) -> Iterator[tuple[str, object]]:
    yield "__class__", f"{type(part).__module__}.{type(part).__qualname__}"
    for base in type(part).__mro__:
        if base is nn.Module:
            break
        yield from _data_of(vars(base))
    attributes = vars(part)
    for name, value in attributes.items():
        if name not in _OWN_TABLES:
            yield name, value
    for name in part._non_persistent_buffers_set:
        yield name, part._buffers.get(name)
    for name in _HOOKS:
        if attributes.get(name):
            yield name.removeprefix("_").replace("_", " "), len(attributes[name])


def _data_of(variables: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the variables of a class or a Python module that may hold data."""
    for name, value in variables.items():
        if not name.startswith("__") and isinstance(value, _DATA):
            yield name, value


class _Digester:
    """Digests values within a budget: an attribute may hold anything, such as every batch of a training."""

    def __init__(self) -> None:
        self._values_left = _MAX_VALUES

    def digest(self, value: object, depth: int = _MAX_DEPTH) -> str:
        """Return a digest of plain data, or `_UNKNOWN` of what has no content that could be compared."""
        self._values_left -= 1
        if self._values_left < 0:
            return _UNKNOWN
        if isinstance(value, Tensor):
            return _tensor_digest(value.detach())
        if isinstance(value, np.ndarray | np.generic):
            return _array_digest(np.asarray(value))
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            return _hash(type(value).__name__, repr(value).encode(errors="replace"))
        if isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
            return _hash("callable", getattr(value, "__qualname__", "").encode(errors="replace"))
        parts = self._parts_of(value, depth) if depth > 0 else None
        return _UNKNOWN if parts is None else _hash("parts", repr(parts).encode(errors="replace"))

    def _parts_of(self, value: object, depth: int) -> object:
        """Return the digests of what a container or an object holds; None if that cannot be compared."""
        is_large = isinstance(value, Sized) and len(value) > self._values_left
        if is_large or isinstance(value, torch.Generator | type | types.ModuleType):
            return None
        if isinstance(value, nn.Module):  # in a list, say, where torch does not find it
            value = value.state_dict()
        if isinstance(value, Mapping):
            return [(self.digest(key, 0), self.digest(item, depth - 1)) for key, item in value.items()]
        if isinstance(value, list | tuple):
            return [self.digest(item, depth - 1) for item in value]
        if isinstance(value, set | frozenset):
            return sorted(self.digest(item, 0) for item in value)
        if hasattr(value, "__dict__"):  # one level of an object's attributes, which may refer back to it
            return [(name, self.digest(item, 0)) for name, item in vars(value).items()]
        return None


def _tensor_digest(tensor: Tensor) -> str:
    if tensor.device.type == "meta" or tensor.layout != torch.strided or tensor.is_quantized:
        return _UNKNOWN
    step = 1 + tensor.numel() * tensor.element_size() // _MAX_BYTES
    values = tensor.flatten()[::step].cpu().contiguous()
    content = values.view(torch.uint8).numpy().tobytes() if values.numel() else b""
    return _hash(f"{tensor.dtype} {[*tensor.shape]}", content)


def _array_digest(array: NDArray[Any]) -> str:
    if array.dtype.hasobject:
        return _UNKNOWN
    step = 1 + array.nbytes // _MAX_BYTES
    return _hash(f"{array.dtype} {array.shape}", array.ravel()[::step].tobytes())


def _hash(kind: str, content: bytes) -> str:
    return hashlib.sha256(kind.encode(errors="replace") + b"\0" + content).hexdigest()
