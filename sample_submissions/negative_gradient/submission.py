"""Raises the loss on the forget set, then repairs on the retain set.

Gradient ascent destroys what the network has learned about the forget examples, and more than that;
an epoch of ordinary training afterwards restores the rest.
"""

import torch
from torch import nn

ASCENT_STEPS = 2
REPAIR_EPOCHS = 3


def pair(item):
    """Return image and label of a batch, in either of the contest's two formats."""
    return (item["image"], item["age_group"]) if isinstance(item, dict) else item


def unlearning(net, retain, forget, val):
    device = next(net.parameters()).device
    criterion = nn.CrossEntropyLoss()
    net.train()
    ascent = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(ASCENT_STEPS):
        for item in forget:
            images, labels = pair(item)
            ascent.zero_grad()
            (-criterion(net(images.to(device)), labels.to(device))).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            ascent.step()
    repair = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    for _ in range(REPAIR_EPOCHS):
        for item in retain:
            images, labels = pair(item)
            repair.zero_grad()
            criterion(net(images.to(device)), labels.to(device)).backward()
            repair.step()
