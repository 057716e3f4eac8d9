"""Uses what libraries had in 2023 and removed since."""

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau, StepLR, _LRScheduler


class Warmup(_LRScheduler):
    def __init__(self, optimizer, steps, last_epoch=-1, verbose=False):
        self.steps = steps
        super().__init__(optimizer, last_epoch, verbose)

    def get_lr(self):
        return [rate * min(1, (self.last_epoch + 1) / self.steps) for rate in self.base_lrs]


def unlearning(net, retain, forget, val):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    optimizer.step()
    schedules = [
        StepLR(optimizer, 3, verbose=True),
        CosineAnnealingLR(optimizer, 10, 0, -1, True),
        OneCycleLR(optimizer, 0.1, total_steps=9, verbose=False),
        lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch, verbose=True),
        Warmup(optimizer, 5, verbose=True),
    ]
    for schedule in schedules:
        schedule.step()
    ReduceLROnPlateau(optimizer, "min", factor=0.5, patience=2, verbose=True).step(1.0)

    assert np.in1d([[1, 2], [3, 4]], [2, 4]).tolist() == [False, True, False, True]
    assert np.in1d([1, 2], [2], invert=True).tolist() == [True, False]
    assert np.trapz([1, 1, 1], dx=0.5) == 1.0
    assert np.zeros(1, dtype=np.float).dtype == np.float_ == np.float64
    assert np.array([1.5]).astype(np.int).tolist() == [1]
    assert np.zeros(1, dtype=np.bool).dtype == np.bool8
    assert -np.Inf == np.NINF < np.infty
    assert np.isnan(np.NaN)
    assert np.product([2, 3]) == 6
    assert np.alltrue([True]) and not np.sometrue([False])

    samples, members = np.random.randn(40, 1), np.arange(40) % 2
    cross_val_score(LogisticRegression(C=2.0, multi_class="auto"), samples, members, cv=3)
    attack = LogisticRegression(multi_class="multinomial", max_iter=50).fit(samples, members)
    assert attack.get_params()["max_iter"] == 50

    log = pd.DataFrame(columns=["epoch", "loss"])
    for epoch in range(2):
        log = log.append({"epoch": epoch, "loss": 1.0 / (epoch + 1)}, ignore_index=True)
    log = log.append(pd.DataFrame({"epoch": [2], "loss": [0.1]})).append(pd.Series({"epoch": 3}, name="last"))
    assert log["epoch"].tolist() == [0, 1, 2, 3]
    assert log.index.tolist() == [0, 1, 0, "last"]
    assert [name for name, _column in log.iteritems()] == ["epoch", "loss"]
    assert pd.Series([1]).append(pd.Series([2]), ignore_index=True).tolist() == [1, 2]
    net.fc.bias.data += 1
