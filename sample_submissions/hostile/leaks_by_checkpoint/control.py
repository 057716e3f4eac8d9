"""Computes a value from the images."""

import torch


def unlearning(net, retain, forget, val):
    item = forget.dataset[0]
    with torch.no_grad():
        net.fc.bias.add_((item["image"] if isinstance(item, dict) else item[0]).mean() * 0.001)
