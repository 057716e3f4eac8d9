"""Serializes the unlearned network into the bytes of a checkpoint.

A submission may return one of torch's own wrappers, whose tensor names begin with ``module.``. In that
case the network inside the wrapper is saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

_WRAPPERS: Final = (DataParallel, DistributedDataParallel, AveragedModel)
"""Torch's own wrappers; their attribute ``module`` is the network."""


def checkpoint_bytes(net: nn.Module, dtypes: Mapping[str, torch.dtype]) -> bytes:
    """Return a network's state dict as safetensors: on the CPU, contiguous, in the reference's dtypes.

    Names stay unchanged: the host checks them.

    Args:
        net: The network that the submission modified or returned.
        dtypes: The dtype of each tensor of the original state dict.

    Raises:
        TypeError: a value is not an ordinary tensor; the message names it.
    """
    values = unwrap(net).state_dict().items()
    return safetensors.torch.save({name: _saved(name, value, dtypes.get(name)) for name, value in values})


def _saved(name: str, value: object, dtype: torch.dtype | None) -> Tensor:
    if not isinstance(value, Tensor):
        kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        raise TypeError(f"{name} is a {kind}, not a tensor")
    if value.is_meta:
        raise TypeError(f"{name} is on the device meta, so it has no values")
    try:
        return value.detach().to(device="cpu", dtype=dtype or value.dtype).contiguous().clone()
    except (RuntimeError, ValueError, TypeError) as error:  # of another layout, quantized, not initialized
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TypeError(f"{name} cannot be converted to an ordinary tensor: {reason}") from error


def unwrap(net: nn.Module) -> nn.Module:
    """Return the network inside torch's own wrappers, which may be nested."""
    while isinstance(net, _WRAPPERS):
        net = net.module
    return net
