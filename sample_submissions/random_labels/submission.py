"""Trains random wrong labels for the forget examples, between ordinary retain batches.

The network unlearns the examples by learning wrong answers about them, which often overshoots: a
network that has never seen an example is unsure about it, not wrong about it.
"""

from itertools import cycle

import torch
from torch import nn

EPOCHS = 2
CLASSES = 10


def pair(item):
    """Return image and label of a batch, in either of the contest's two formats."""
    return (item["image"], item["age_group"]) if isinstance(item, dict) else item


def unlearning(net, retain, forget, val):
    device = next(net.parameters()).device
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    criterion = nn.CrossEntropyLoss()
    net.train()
    for _ in range(EPOCHS):
        for kept, gone in zip(retain, cycle(forget)):
            images, labels = pair(kept)
            lost, true = pair(gone)
            wrong = (true + torch.randint(1, CLASSES, true.shape)) % CLASSES
            optimizer.zero_grad()
            loss = criterion(net(images.to(device)), labels.to(device))
            loss = loss + 0.2 * criterion(net(lost.to(device)), wrong.to(device))
            loss.backward()
            optimizer.step()
    net.eval()
