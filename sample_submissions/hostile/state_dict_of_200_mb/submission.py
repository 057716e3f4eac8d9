"""Returns a network with a tensor of 200 MB; must end by its size."""

import torch


def unlearning(net, retain, forget, val):
    net.register_buffer("own", torch.zeros(50 << 20))
