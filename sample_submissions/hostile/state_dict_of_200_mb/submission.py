"""Returns a network with a tensor of 200 MB; must be ended for its size."""

import torch


def unlearning(net, retain, forget, val):
    net.register_buffer("own", torch.zeros(50 << 20))
