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
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in unwrap(net).state_dict().items():
        dtype = dtypes.get(name, tensor.dtype)
        tensors[name] = tensor.detach().to(device="cpu", dtype=dtype).contiguous().clone()
    return safetensors.torch.save(tensors)


def unwrap(net: nn.Module) -> nn.Module:
    """Return the network inside torch's own wrappers, which may be nested."""
    while isinstance(net, _WRAPPERS):
        net = net.module
    return net
