"""Changes its own copy of the network, by the same places in memory, and sees the change."""

import ctypes

import torch


def unlearning(net, retain, forget, val):
    weight = net.fc.weight
    numbers = (ctypes.c_float * weight.numel()).from_address(weight.data_ptr())
    before = weight.detach().clone()
    with torch.no_grad():
        weight.mul_(0.5)
    assert numbers[0] == before.flatten()[0] / 2, "the tensor is at another place in memory"
    numbers[0] *= 2
    assert weight.flatten()[0] == before.flatten()[0], "a change of the memory does not show"
    with torch.no_grad():
        weight.copy_(before)
    type(net).own_attribute = "a note"
    assert net.own_attribute == "a note"
