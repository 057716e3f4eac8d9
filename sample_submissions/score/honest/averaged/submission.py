"""Honest twin of stored networks: averages the weights of two short fine-tunings with noise.

Both start from the same noised network, so that their weights can be averaged; a last epoch at a low rate
renews the statistics of the batch normalisation.
"""

import copy

import torch
from torch import nn

NOISE = 0.6
EPOCHS = 2


def pair(item):
    """Return image and label of a batch, in either of the contest's two formats."""
    return (item["image"], item["age_group"]) if isinstance(item, dict) else item


def finetune(net, retain, epochs, learning_rate):
    """Train on retain with a rate that falls."""
    device = next(net.parameters()).device
    optimizer = torch.optim.SGD(net.parameters(), lr=learning_rate, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * len(retain))
    criterion = nn.CrossEntropyLoss()
    net.train()
    for _ in range(epochs):
        for item in retain:
            images, labels = pair(item)
            optimizer.zero_grad()
            criterion(net(images.to(device)), labels.to(device)).backward()
            optimizer.step()
            schedule.step()


def unlearning(net, retain, forget, val):
    with torch.no_grad():
        for weight in net.parameters():
            if weight.ndim > 1:
                weight.add_(torch.randn_like(weight) * weight.std() * NOISE)
    other = copy.deepcopy(net)
    for member in (net, other):
        finetune(member, retain, EPOCHS, 0.05)
    with torch.no_grad():
        for mine, its in zip(net.parameters(), other.parameters(), strict=True):
            mine.add_(its).div_(2)
    finetune(net, retain, 1, 0.01)
    return net
