"""Checks that torch, its generators and the data are intact."""

import random
import sys

import numpy as np
import torch


def unlearning(net, retain, forget, val):
    drawn = torch.rand(1).item(), np.random.rand(), random.random()
    assert torch.get_default_dtype() == torch.float32
    assert not hasattr(torch.nn.Module, "patched")
    assert torch.nn.Linear(2, 3)(torch.zeros(1, 2)).shape == (1, 3)
    assert not torch.are_deterministic_algorithms_enabled()
    assert sys.getrecursionlimit() > 100
    assert retain.dataset[0] is not None
    for seed in (torch.manual_seed, np.random.seed, random.seed):
        seed(torch.initial_seed())
    assert drawn == (torch.rand(1).item(), np.random.rand(), random.random())
