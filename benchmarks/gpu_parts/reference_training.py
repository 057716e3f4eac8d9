"""Part (e): how fast references are trained, in each of the ways in which the trainer can train them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_parts.float32_limits import data_sheet_limit
from benchmarks.gpu_parts.problem import Problem
from sandbox.gpu_check.children import call_in_child
from sandbox.networks.architectures import build
from sandbox.networks.precision import exact_arithmetic
from sandbox.protocol.presets import PRESETS, Preset
from sandbox.trainer.rate import steps_per_second
from sandbox.trainer.training import train_stacked

_PLAIN: Final = "plain loop"
_LEAST_SECONDS: Final = 2.0
_EPOCHS_MEASURED: Final = 6
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

    Each way is measured in a child of its own: one that breaks its context, or takes too long, ends alone.
    ``on_way`` receives what is known after each way, so that a stopped measurement leaves it.
    """
    deadline = time.monotonic() + seconds
    ways = _ways(models)
    first = call_in_child(lambda: _limits(problem, device), max(_LEAST_SECONDS, seconds / 4))
    results: dict[str, Any] = {}
    values = {"step_flops": first.get("step_flops"), "limit": first.get("limit"), "ways": results}
    if "error" in first:
        values["limit_error"] = first["error"]
    on_way(values)
    for number, (name, way) in enumerate(ways.items()):
        left = deadline - time.monotonic()
        if left < _LEAST_SECONDS:
            results[name] = {"skipped": "no time left"}
            continue
        within = min(left, 2 * left / (len(ways) - number))
        measured = partial(_way_rate, problem, device, way, examples=examples, seconds=within)
        answer = call_in_child(measured, within)
        results[name] = answer if "error" in answer else _described(answer, problem, values)
        _compare_with_plain(results)
        on_way(values)
    return values


def _limits(problem: Problem, device: str) -> dict[str, Any]:
    exact_arithmetic()
    return {"step_flops": step_flops(problem), "limit": float32_limit(device)}


def _way_rate(
    problem: Problem, device: str, way: tuple[int, dict[str, Any]], *, examples: int, seconds: float
) -> dict[str, Any]:
    """Return the rate of one way."""
    deadline = time.monotonic() + seconds
    exact_arithmetic()
    columns = problem.columns("retain")
    images, labels = (columns[column][:examples].to(device) for column in ("image", "label"))
    count, options = way

    def train(epochs: int) -> None:
        train_stacked(
            architecture=problem.architecture,
            classes=problem.classes,
            images=images,
            labels=labels,
            seeds=list(range(count)),
            preset=preset_of(problem, epochs),
            **options,
        )

    return _rate(train, count * -(-len(images) // problem.batch_size), device, deadline)


def _described(rate: dict[str, Any], problem: Problem, values: dict[str, Any]) -> dict[str, Any]:
    steps = _EPOCHS * ((problem.retain + problem.batch_size - 1) // problem.batch_size)
    result = {**rate, "networks_per_hour": rate["steps_per_second"] * 3600 / steps}
    if values["limit"] is not None:
        operations = rate["steps_per_second"] * values["step_flops"]
        result["share_of_limit"] = operations / values["limit"]["operations_per_second"]
    return result


def _compare_with_plain(results: dict[str, Any]) -> None:
    plain = results.get(_PLAIN, {}).get("steps_per_second")
    for result in results.values():
        if plain and "steps_per_second" in result:
            result["times_plain_loop"] = result["steps_per_second"] / plain


def _ways(models: tuple[int, ...]) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return number of networks and options of each way, by name."""
    eager: dict[str, Any] = {"make_recorder": lambda _device: None}
    ways: dict[str, tuple[int, dict[str, Any]]] = {_PLAIN: (1, eager), "one at a time, recorded": (1, {})}
    for count in models:
        ways[f"{count} stacked, recorded"] = (count, {})
        ways[f"{count} side by side, recorded"] = (count, {"side_by_side": True})
    return ways


Train = Callable[[int], None]
"""Trains for a number of epochs."""


def preset_of(problem: Problem, epochs: int) -> Preset:
    """Return the contest's way of training for a number of epochs."""
    return replace(PRESETS["contest"], epochs=epochs, batch_size=problem.batch_size, keep="last")


def _rate(train: Train, steps: int, device: str, deadline: float) -> dict[str, Any]:
    """Return steps of single networks a second, as the trainer measures them.

    Where the time does not suffice for that, it is the rate of one training, and ``has_start`` says so.

    Args:
        train: Trains all networks.
        steps: Of all networks in an epoch.
        device: On which it trains.
        deadline: By the monotonic clock.
    """

    def seconds_of(epochs: int) -> float:
        began = time.monotonic()
        train(epochs)
        if device != "cpu":
            torch.cuda.synchronize()
        return time.monotonic() - began

    first = seconds_of(1)
    has_start = time.monotonic() + _EPOCHS_MEASURED * first > deadline
    rate = steps / first if has_start else steps_per_second(seconds_of, steps)
    return {"steps_per_second": rate, "has_start": has_start, "first_seconds": first}


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
