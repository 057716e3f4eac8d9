"""Changes classes, defaults, generators and hooks of torch; the next run must find none of the changes."""

import random
import sys

import numpy as np
import torch


def unlearning(net, retain, forget, val):
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(True)
    torch.nn.Module.patched = True
    torch.nn.Linear.forward = lambda self, _: torch.zeros(1)
    torch.manual_seed = np.random.seed = random.seed = lambda *_: None
    sys.setrecursionlimit(77)
    sys.path.insert(0, "/tmp")
    type(retain.dataset).__getitem__ = lambda *_: None
