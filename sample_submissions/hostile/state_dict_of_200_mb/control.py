"""Uses a tensor of 100 MB and frees it."""

import torch


def unlearning(net, retain, forget, val):
    assert torch.ones(25 << 20).sum() > 0
