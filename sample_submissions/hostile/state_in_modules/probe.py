"""Checks that Python and torch are in their initial state, and the generators in that of the run's seed."""

import builtins
import os
import random
import resource
import signal
import sys

import numpy as np
import torch


def unlearning(net, retain, forget, val):
    drawn = torch.rand(4), np.random.rand(4), random.random()
    seed = torch.initial_seed()
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
    assert torch.equal(drawn[0], torch.rand(4)), "torch's generator"
    assert np.array_equal(drawn[1], np.random.rand(4)), "numpy's generator"
    assert drawn[2] == random.random(), "Python's generator"
    for place in (builtins, torch, sys):
        assert not hasattr(place, "unlearn_hostile"), place
    assert "unlearn_hostile" not in sys.modules
    assert "unlearn-hostile" not in os.environ
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    assert os.nice(0) < 19
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 32
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert sys.getrecursionlimit() > 100
    net(next(iter(retain))["image"])
