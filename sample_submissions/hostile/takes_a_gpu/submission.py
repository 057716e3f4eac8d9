"""Moves the network to a GPU where the challenge gives none; must be `crashed` with the driver's words."""

import torch


def unlearning(net, retain, forget, val):
    kept = torch.empty(1 << 30, device="cuda")
    return net.to(kept.device)
