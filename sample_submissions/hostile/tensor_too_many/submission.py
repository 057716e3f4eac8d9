"""Registers a small extra tensor; must be refused."""

import torch


def unlearning(net, retain, forget, val):
    net.register_buffer("own", torch.zeros(1))
