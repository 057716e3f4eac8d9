"""Changes its modules and environment, and observes the change."""

import os

import torch


def unlearning(net, retain, forget, val):
    os.environ["own"] = "a note"
    torch.own = "a note"
    assert os.environ["own"] == torch.own
