"""Adds noise to every weight, in proportion to its scale, then fine-tunes on the retain set.

The noise destroys memorized detail and spreads the N checkpoints as wide as retrained ones;
fine-tuning restores what the retain set supports. Several prize entries use this idea.
"""

import torch
from torch import nn

NOISE = 0.6
EPOCHS = 5


def pair(item):
    """Return image and label of a batch, in either of the contest's two formats."""
    return (item["image"], item["age_group"]) if isinstance(item, dict) else item


def unlearning(net, retain, forget, val):
    device = next(net.parameters()).device
    with torch.no_grad():
        for weight in net.parameters():
            if weight.ndim > 1:
                weight.add_(torch.randn_like(weight) * weight.std() * NOISE)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
    criterion = nn.CrossEntropyLoss()
    net.train()
    for _ in range(EPOCHS):
        for item in retain:
            images, labels = pair(item)
            optimizer.zero_grad()
            criterion(net(images.to(device)), labels.to(device)).backward()
            optimizer.step()
        schedule.step()
