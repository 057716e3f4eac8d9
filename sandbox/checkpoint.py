"""The unlearned network as the bytes of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping

import safetensors.torch
import torch
from torch import Tensor, nn


def checkpoint_bytes(net: nn.Module, dtypes: Mapping[str, torch.dtype]) -> bytes:
    """Return a network's state dict as safetensors: on the CPU, contiguous, in the reference's dtypes.

    Names are left as they are: the host decides whether they are the right ones.

    Args:
        net: What the submission left or returned.
        dtypes: The dtype of each tensor of the original state dict.
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in net.state_dict().items():
        wanted = dtypes.get(name, tensor.dtype)
        tensors[name] = tensor.detach().to(device="cpu", dtype=wanted).contiguous().clone()
    return safetensors.torch.save(tensors)
