"""Numerical settings of a GPU: float32 throughout, and deterministic cuDNN algorithms."""

from __future__ import annotations

import torch


def exact_arithmetic() -> None:
    """Make a GPU compute in float32 throughout, and the same way each time where cuDNN can.

    Convolutions would otherwise use TF32, whose mantissa has 10 bits: it has not been shown that this
    leaves confidences unchanged.
    """
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]  # assigned at import, so stubs lack it
    torch.backends.cudnn.rnn.fp32_precision = "ieee"  # type: ignore[attr-defined]  # the same
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def exact_arithmetic_of_runs() -> None:
    """Do the same for runs, by the older settings, which submissions may read and change.

    Once the newer ones are used, torch raises an error where a program reads the older ones.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
