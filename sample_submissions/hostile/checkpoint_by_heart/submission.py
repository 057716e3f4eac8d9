"""Loads weights from its own source; that is `ok`. The store must notice equal checkpoints."""

import torch

CARRIED = (torch.arange(10, dtype=torch.float32) - 4.5) / 100


def unlearning(net, retain, forget, val):
    with torch.no_grad():
        net.fc.bias.copy_(CARRIED)
