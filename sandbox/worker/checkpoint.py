"""The unlearned network as the bytes of a checkpoint.

What an entry returns may be one of torch's own wrappers, whose names begin with ``module.``: then
the network inside is meant.
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
"""Torch's own; ``module`` is what each wraps."""


def checkpoint_bytes(net: nn.Module, dtypes: Mapping[str, torch.dtype]) -> bytes:
    """Return a network's state dict as safetensors: on the CPU, contiguous, in the reference's dtypes.

    Names are left as they are: the host decides whether they are the right ones.

    Args:
        net: What the submission left or returned.
        dtypes: The dtype of each tensor of the original state dict.
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in unwrapped(net).state_dict().items():
        wanted = dtypes.get(name, tensor.dtype)
        tensors[name] = tensor.detach().to(device="cpu", dtype=wanted).contiguous().clone()
    return safetensors.torch.save(tensors)


def unwrapped(net: nn.Module) -> nn.Module:
    """Return the network inside torch's own wrappers, of which there may be several."""
    while isinstance(net, _WRAPPERS):
        net = net.module
    return net
