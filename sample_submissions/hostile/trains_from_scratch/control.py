"""Trains for a few steps."""

import torch


def unlearning(net, retain, forget, val):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _step, item in zip(range(3), retain):
        images, labels = (item["image"], item["age_group"]) if isinstance(item, dict) else item
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
