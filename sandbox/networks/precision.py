"""TODO sandbox.networks.precision."""

from __future__ import annotations

import torch


def exact_arithmetic() -> None:
    """Have a GPU calculate in float32 throughout, and the same way each time where cuDNN can.

    Convolutions would otherwise use TF32, whose mantissa has 10 bits: nobody has shown here that
    confidences do not move by that.
    """
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"
    torch.backends.cudnn.rnn.fp32_precision = "ieee"
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
