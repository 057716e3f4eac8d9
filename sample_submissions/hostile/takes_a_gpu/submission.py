"""Moves the network to a GPU that the challenge lacks; must be `crashed` with the driver's message."""

import torch


def unlearning(net, retain, forget, val):
    kept = torch.empty(1 << 30, device="cuda")
    return net.to(kept.device)
