"""Honest twin of retraining in the run: noise, then fine-tuning for half as long as retraining.

Half of retraining's twelve epochs, with its learning rate at the peak.
"""

import torch
from torch import nn

NOISE = 0.6
EPOCHS = 6


def pair(item):
    """Return image and label of a batch, in either of the contest's two formats."""
    return (item["image"], item["age_group"]) if isinstance(item, dict) else item


def unlearning(net, retain, forget, val):
    device = next(net.parameters()).device
    with torch.no_grad():
        for weight in net.parameters():
            if weight.ndim > 1:
                weight.add_(torch.randn_like(weight) * weight.std() * NOISE)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.1, total_steps=EPOCHS * len(retain), pct_start=0.2, cycle_momentum=False
    )
    criterion = nn.CrossEntropyLoss()
    net.train()
    for _ in range(EPOCHS):
        for item in retain:
            images, labels = pair(item)
            optimizer.zero_grad()
            criterion(net(images.to(device)), labels.to(device)).backward()
            optimizer.step()
            schedule.step()
