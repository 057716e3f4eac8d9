"""Perturbs every weight with noise of its own scale, then fine-tunes on the retain set.

The noise breaks what was memorised and spreads the N checkpoints as wide as retrained ones
are; fine-tuning restores what the retain set supports. The idea behind several prize entries.
"""

import torch
from torch import nn

NOISE = 0.6
EPOCHS = 5


def pair(item):
    """Take image and label out of a batch, in either of the contest's two forms."""
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
