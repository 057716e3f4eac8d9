"""Changes its modules and environment, and sees the change."""

import os

import torch


def unlearning(net, retain, forget, val):
    os.environ["own"] = "a note"
    torch.own = "a note"
    assert os.environ["own"] == torch.own
