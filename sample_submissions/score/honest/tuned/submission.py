"""Honest twin of a mixture and of stored tables: noise and fine-tuning, settings drawn from a small table.

``settings.json`` was found by tuning on other challenges; the runs differ in strength, and each unlearns.
"""

import json
import random
from pathlib import Path

import torch
from torch import nn


def pair(item):
    """Return image and label of a batch, in either of the contest's two formats."""
    return (item["image"], item["age_group"]) if isinstance(item, dict) else item


def unlearning(net, retain, forget, val):
    device = next(net.parameters()).device
    setting = random.choice(json.loads((Path(__file__).parent / "settings.json").read_text()))
    with torch.no_grad():
        for weight in net.parameters():
            if weight.ndim > 1:
                weight.add_(torch.randn_like(weight) * weight.std() * setting["noise"])
    optimizer = torch.optim.SGD(
        net.parameters(), lr=setting["learning_rate"], momentum=0.9, weight_decay=5e-4
    )
    epochs = setting["epochs"]
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
