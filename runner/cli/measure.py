"""`unlearn challenge measure`: how long retraining takes on this machine."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Annotated

import typer

from runner.challenge.load import load_challenge
from runner.cli.console import print_json, stderr_console
from runner.cli.options import DeviceOption, RuntimeOption
from runner.engine.placement import CPU
from runner.execution.host_session import host_session
from runner.progress import ConsoleReporter
from runner.time_limits.policy import wall_seconds
from runner.time_limits.retraining import get_or_measure
from runner.wording import quantity


def measure_command(
    folder: Annotated[
        Path, typer.Argument(metavar="CHALLENGE", readable=False, help="Folder of the challenge.")
    ],
    runtime: RuntimeOption = "",
    device: DeviceOption = CPU,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of sentences.")] = False,
) -> None:
    """Time retraining on this machine again, and show the resulting time limit.

    One plain retraining, with the cores and threads that one run has, is timed for some epochs three times;
    the median is multiplied. Use a machine that is otherwise idle: evaluations that start from now on are
    judged by the result, those that have started keep their limit.
    """
    challenge = load_challenge(folder)
    description = challenge.description
    with host_session(
        ConsoleReporter(stderr_console()),
        limits=description.limits,
        runtime=runtime,
        device=device,
        required_device=description.device,
    ) as host:
        key, measurement = get_or_measure(
            engine=host.engine,
            image=host.image,
            challenge=challenge,
            labels=host.labels,
            reporter=host.reporter,
            placement=host.placement,
            again=True,
        )
        on_gpu = host.placement.gpu is not None
    in_force = wall_seconds(description.limits, measurement.retrain_seconds, on_gpu=on_gpu)
    if as_json:
        shown = {
            "circumstances": key.facts(),
            "measurement": measurement.model_dump(mode="json"),
            "wall_seconds": in_force,
        }
        print_json(shown)
        return
    median = statistics.median(measurement.epoch_seconds)
    portions = ", ".join(f"{seconds:.4g}" for seconds in measurement.epoch_seconds)
    epochs, timed = quantity(description.training.epochs, "epoch"), quantity(measurement.epochs, "epoch")
    sys.stdout.write(
        f"Retraining takes {measurement.retrain_seconds:.4g} s here: {epochs} of {median:.4g} s, the median "
        f"of {portions} (means of {timed} each),\n"
        f"with {key.cpus:g} cores and {key.threads} threads as one run has. "
        f"A run of this challenge may take {in_force:.4g} s here.\n"
    )
    processor, empty = measurement.retrain_processor_seconds, measurement.empty_run_processor_seconds
    if processor is not None and empty is not None:
        sys.stdout.write(
            f"It takes {processor:.4g} s of processor time, and a run of a single step {empty:.2g} s.\n"
        )
