"""Part (e): how fast references are trained, in each of the ways in which the trainer can train them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_parts.float32_limits import data_sheet_limit
from benchmarks.gpu_parts.problem import Problem
from sandbox.networks.architectures import build
from sandbox.networks.precision import exact_arithmetic
from sandbox.protocol.presets import PRESETS, Preset
from sandbox.trainer.train_step import recorder_for
from sandbox.trainer.training import train_stacked

_EPOCHS: Final = 30
"""Of the recipe, to turn steps a second into networks an hour."""


def measure_training(
    problem: Problem,
    device: str,
    models: tuple[int, ...],
    *,
    examples: int,
    seconds: float,
    on_way: Callable[[dict[str, Any]], None] = lambda _values: None,
) -> dict[str, Any]:
    """Return networks an hour in each way, and the share of the device's limit of float32 arithmetic.

    ``on_way`` receives what is known after each way, so that a stopped measurement leaves it.
    """
    exact_arithmetic()
    columns = problem.columns("retain")
    images, labels = (columns[name][:examples].to(device) for name in ("image", "label"))
    flops = step_flops(problem)
    limit = float32_limit(device)
    results: dict[str, Any] = {}
    values = {"step_flops": flops, "limit": limit, "ways": results}
    deadline = time.monotonic() + seconds
    for name, count, train in _ways(problem, images, labels, models):
        left = deadline - time.monotonic()
        if left < 1.0:
            results[name] = {"skipped": "no time left"}
            continue
        try:
            rate = _steps_per_second(train, count, len(images) // problem.batch_size, device)
        except RuntimeError as error:
            results[name] = {"error": str(error)[:500]}
            continue
        steps = _EPOCHS * ((problem.retain + problem.batch_size - 1) // problem.batch_size)
        share = rate * flops / limit["operations_per_second"]
        results[name] = {
            "steps_per_second": rate,
            "networks_per_hour": rate * 3600 / steps,
            "share_of_limit": share,
        }
        on_way(values)
    plain = results.get("plain loop", {}).get("steps_per_second")
    for result in results.values():
        if plain and "steps_per_second" in result:
            result["times_plain_loop"] = result["steps_per_second"] / plain
    return values


Train = Callable[[int], None]
"""Trains for a number of epochs."""


def _ways(
    problem: Problem, images: Tensor, labels: Tensor, models: tuple[int, ...]
) -> Iterator[tuple[str, int, Train]]:
    """Yield name, number of networks and function of each way."""

    def way(count: int, *, record: bool, side_by_side: bool = False) -> Train:
        def train(epochs: int) -> None:
            train_stacked(
                architecture=problem.architecture,
                classes=problem.classes,
                images=images,
                labels=labels,
                seeds=list(range(count)),
                preset=preset_of(problem, epochs),
                make_recorder=recorder_for if record else lambda _device: None,
                side_by_side=side_by_side,
            )

        return train

    yield "plain loop", 1, way(1, record=False)
    yield "one at a time, recorded", 1, way(1, record=True)
    for count in models:
        yield f"{count} stacked, recorded", count, way(count, record=True)
        yield f"{count} side by side, recorded", count, way(count, record=True, side_by_side=True)


def preset_of(problem: Problem, epochs: int) -> Preset:
    """Return the contest's way of training for a number of epochs."""
    return replace(PRESETS["contest"], epochs=epochs, batch_size=problem.batch_size, keep="last")


def _steps_per_second(train: Train, count: int, steps: int, device: str) -> float:
    """Return steps of single networks a second: by the difference of two trainings, so without the start."""

    def timed(epochs: int) -> float:
        began = time.monotonic()
        train(epochs)
        if device != "cpu":
            torch.cuda.synchronize()
        return time.monotonic() - began

    once = timed(1)
    thrice = timed(3)
    return 2 * steps * count / max(thrice - once, 1e-9)


def step_flops(problem: Problem) -> float:
    """Return the operations of one step of one network: forward, and twice as many backward."""
    net = build(problem.architecture, problem.classes)
    images = torch.zeros(problem.batch_size, 3, problem.pixels, problem.pixels)
    with FlopCounterMode(display=False) as counter:
        net(images)
    return 3.0 * float(counter.get_total_flops())


def float32_limit(device: str) -> dict[str, Any]:
    """Return float32 operations a second: by data sheet where the device is known, and as measured."""
    size, name = (512, "cpu") if device == "cpu" else (8192, torch.cuda.get_device_name())
    matrix = torch.ones(size, size, device=device)
    for _ in range(2):
        matrix @ matrix
    if device != "cpu":
        torch.cuda.synchronize()
    began = time.monotonic()
    for _ in range(5):
        product = matrix @ matrix
    float(product[0, 0].item())
    measured = 5 * 2.0 * size**3 / (time.monotonic() - began)
    nominal = data_sheet_limit(name)
    return {
        "name": name,
        "measured": measured,
        "by_data_sheet": nominal,
        "operations_per_second": nominal or measured,
    }
