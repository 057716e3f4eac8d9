"""Draws from the generators without a new seed."""

import torch


def unlearning(net, retain, forget, val):
    for weight in net.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.01)
