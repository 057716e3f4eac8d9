"""Channels last, and a weight that is a transposed view."""

import torch


def unlearning(net, retain, forget, val):
    net = net.to(memory_format=torch.channels_last)
    net.fc.weight.data = net.fc.weight.data.t().contiguous().t()
    assert not net.fc.weight.is_contiguous()
    net.fc.bias.data += 1
    return net
