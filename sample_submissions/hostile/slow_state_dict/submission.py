"""Returns in time, but with a network whose state_dict() never does.

The time limit must include the whole checkpoint.
"""

import time

from torch import nn


class Slow(nn.Module):
    def state_dict(self, *args, **kwargs):
        time.sleep(1_000_000)


def unlearning(net, retain, forget, val):
    return Slow()
