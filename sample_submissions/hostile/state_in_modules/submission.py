"""Changes the whole state of its process: modules, generators, limits; the next run must find no change."""

import builtins
import os
import random
import resource
import signal
import sys

import numpy as np
import torch


def unlearning(net, retain, forget, val):
    builtins.unlearn_hostile = torch.unlearn_hostile = sys.unlearn_hostile = "a note"
    sys.modules["unlearn_hostile"] = sys
    os.environ["unlearn-hostile"] = "a note"
    torch.nn.Module.forward = torch.utils.data.DataLoader.__iter__ = None
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    os.nice(19)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.setrecursionlimit(100)
