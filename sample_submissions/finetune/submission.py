"""Contest baseline: a few more epochs on the retain set only.

No step removes the forget examples; further training only lets them fade a little.
Plain SGD with momentum and a cosine schedule.
"""

import torch
from torch import nn

EPOCHS = 3
LEARNING_RATE = 0.1


def pair(item):
    """Return image and label of a batch, in either of the contest's two formats."""
    return (item["image"], item["age_group"]) if isinstance(item, dict) else item


def unlearning(net, retain, forget, val):
    device = next(net.parameters()).device
    optimizer = torch.optim.SGD(net.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=5e-4)
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
    net.eval()
