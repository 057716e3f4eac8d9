"""Runs of a submission in this process, one after another. Needs torch."""

from __future__ import annotations

import hashlib
import importlib.util
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

from benchmarks.integrity.problem import Problem
from sandbox.worker.child import seed_everything
from scoring.outputs import Outputs

Unlearning = Callable[..., Any]

PORTIONS_BEFORE: Final = 3
PORTIONS_AFTER: Final = 6
"""Three of two trainers at once, though here one after another."""


def load_submission(folder: Path) -> Unlearning:
    """Return the function ``unlearning`` of a submission."""
    spec = importlib.util.spec_from_file_location(f"submission_{folder.name}", folder / "submission.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Unlearning = module.unlearning
    return function


def run_seed(*parts: object) -> int:
    """Return the seed of a run: no two runs share one."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def execute(
    problem: Problem, unlearning: Unlearning, label: str, runs: int, *, timed: bool = True
) -> tuple[Outputs, dict[str, Any]]:
    """Return the outputs of a submission's runs, and their processor seconds.

    On a busy machine the same work takes more processor time. So retraining is timed before and after the
    runs, as an evaluation does it; and an epoch before each run shows how busy the machine was meanwhile.
    Where runs are not timed, none of this is done, and nothing is returned of their seconds.
    """
    outputs, seconds, epochs = [], [], []
    before = _portions(problem, PORTIONS_BEFORE) if timed else []
    for index in range(runs):
        if timed:
            epochs.append(_epoch_seconds(problem))
        net, loaders = problem.network(), problem.loaders()
        seed_everything(run_seed(problem.seed, label, index))
        start = time.process_time()
        returned = unlearning(net, *loaders)
        seconds.append(time.process_time() - start)
        outputs.append(problem.outputs(returned if isinstance(returned, nn.Module) else net))
    if not timed:
        return problem.population(outputs), {}
    facts = {
        "processor_seconds": [round(value, 4) for value in seconds],
        "portions_before": before,
        "portions_after": _portions(problem, PORTIONS_AFTER),
        "epoch_seconds": [round(value, 4) for value in epochs],
        "retraining_epochs": problem.data.preset.epochs,
    }
    return problem.population(outputs), facts


def _portions(problem: Problem, count: int) -> list[float]:
    """Return the processor seconds of an epoch, each a mean over about a second, as the trainer does."""
    first, most = _epoch_seconds(problem), problem.data.preset.epochs
    epochs = max(2, min(most, math.ceil(1.0 / first)))
    portions = [[_epoch_seconds(problem) for _epoch in range(epochs)] for _portion in range(count)]
    return [round(sum(portion) / epochs, 5) for portion in portions]


def _epoch_seconds(problem: Problem) -> float:
    """Return the processor seconds of one epoch of plain training on retain."""
    net, (retain, _forget, _val) = problem.network(), problem.loaders()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    net.train()
    start = time.process_time()
    for batch in retain:
        optimizer.zero_grad()
        functional.cross_entropy(net(batch["image"]), batch["age_group"]).backward()
        optimizer.step()
    return time.process_time() - start
