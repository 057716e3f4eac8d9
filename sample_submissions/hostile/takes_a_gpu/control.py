"""Asks whether a GPU exists, and stays on the network's device."""

import torch


def unlearning(net, retain, forget, val):
    device = next(net.parameters()).device
    assert torch.zeros(1, device=device).device == device
    assert torch.cuda.is_available() in {True, False}
