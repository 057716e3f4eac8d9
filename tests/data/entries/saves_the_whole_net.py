"""Saves and loads whole networks, as torch of 2023 allowed without being asked."""

import torch


def unlearning(net, retain, forget, val):
    net.fc.bias.data += 1
    torch.save(net, "best_model.pth")
    net.fc.bias.data.zero_()
    return torch.load("best_model.pth")
