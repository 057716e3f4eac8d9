"""Compiles the net for speed and returns what it got."""

import torch
from torch import nn


@torch.compile
def loss_of(logits, labels):
    return nn.functional.cross_entropy(logits, labels)


def unlearning(net, retain, forget, val):
    fast = torch.compile(net, mode="reduce-overhead")
    optimizer = torch.optim.SGD(fast.parameters(), lr=0.01)
    for batch in forget:
        optimizer.zero_grad()
        (-loss_of(fast(batch["image"]), batch["age_group"])).backward()
        optimizer.step()
    return fast
