"""One optimiser after another, each with a schedule, then averaged weights."""

import torch
from torch import nn
from torch.optim import lr_scheduler


def epoch(net, loader, optimizer, schedule=None):
    for batch in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(batch["image"]), batch["age_group"], label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
    return float(loss)


def unlearning(net, retain, forget, val):
    net.train()
    adam = torch.optim.AdamW(net.parameters(), lr=1e-4)
    epoch(net, retain, adam, lr_scheduler.OneCycleLR(adam, 1e-3, total_steps=len(retain)))
    sgd = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, nesterov=True)
    epoch(net, retain, sgd, lr_scheduler.CosineAnnealingWarmRestarts(sgd, T_0=5))
    plateau = lr_scheduler.ReduceLROnPlateau(sgd, "min")
    plateau.step(epoch(net, forget, sgd))
    warm = lr_scheduler.LinearLR(sgd)
    lr_scheduler.SequentialLR(sgd, [warm, lr_scheduler.ExponentialLR(sgd, 0.9)], milestones=[2]).step()
