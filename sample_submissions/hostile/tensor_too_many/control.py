"""Registers a tensor that is not part of the state dict."""

import torch


def unlearning(net, retain, forget, val):
    net.register_buffer("own", torch.zeros(1), persistent=False)
