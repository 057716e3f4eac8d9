"""Honest twin of steering and of hiding: pulls the loss on forget examples to that of val examples.

Noise and fine-tuning of all layers do the unlearning; the target is what the network itself does on examples
that it has not seen.
"""

import torch
from torch import nn

NOISE = 0.6
EPOCHS = 4
WEIGHT = 0.3


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
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * len(retain))
    criterion = nn.CrossEntropyLoss()

    def loss_on(item):
        images, labels = pair(item)
        return criterion(net(images.to(device)), labels.to(device))

    net.train()
    for _ in range(EPOCHS):
        for number, item in enumerate(retain):
            optimizer.zero_grad()
            loss = loss_on(item)
            if number % 4 == 0:
                with torch.no_grad():
                    target = loss_on(next(iter(val)))
                loss = loss + WEIGHT * (loss_on(next(iter(forget))) - target).abs()
            loss.backward()
            optimizer.step()
            schedule.step()
