"""`unlearn challenge measure`: how long retraining takes on this machine."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Annotated

import typer

from runner.challenge.limits import wall_seconds
from runner.challenge.load import load_challenge
from runner.cli.console import print_json, stderr_console
from runner.cli.options import DeviceOption, RuntimeOption
from runner.engine.capacity import require_memory
from runner.engine.client import Engine
from runner.engine.gpu_lock import gpu_lock
from runner.engine.placement import CPU, resolve_placement
from runner.engine.session import container_session
from runner.image.image import require_image
from runner.progress import ConsoleReporter
from runner.time_limits.retraining import get_or_measure


def measure_command(
    folder: Annotated[Path, typer.Argument(readable=False, help="Folder of the challenge.")],
    runtime: RuntimeOption = "",
    device: DeviceOption = CPU,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of sentences.")] = False,
) -> None:
    """Time retraining on this machine anew, and show what time limit comes of it.

    One plain retraining, with the cores and threads that one run has, is timed for some epochs
    three times; the median is multiplied. Do it on a machine that is otherwise idle: evaluations
    that begin from now on are judged by it, those that have begun keep their limit.
    """
    problem = load_challenge(folder)
    engine = Engine()
    info = engine.info()
    require_memory(problem.description.limits, info)
    made = require_image(engine)
    placement = resolve_placement(
        runtime=runtime,
        device=device,
        wanted_device=problem.description.device,
        engine_info=info,
    )
    reporter = ConsoleReporter(stderr_console())
    with reporter, container_session(engine) as labels, gpu_lock(device):
        where, found = get_or_measure(
            engine=engine,
            image=made,
            challenge=problem,
            labels=labels,
            reporter=reporter,
            placement=placement,
            again=True,
        )
    in_force = wall_seconds(problem.description.limits, found.retrain_seconds)
    if as_json:
        shown = {
            "circumstances": where.facts(),
            "measurement": found.model_dump(mode="json"),
            "wall_seconds": in_force,
        }
        print_json(shown)
        return
    median = statistics.median(found.epoch_seconds)
    portions = ", ".join(f"{seconds:.4g}" for seconds in found.epoch_seconds)
    sys.stdout.write(
        f"Retraining takes {found.retrain_seconds:.4g} s here: {problem.description.training.epochs} epochs "
        f"of {median:.4g} s, the median of {portions} (means of {found.epochs} epochs each),\n"
        f"with {where.cpus:g} cores and {where.threads} threads as one run has. "
        f"A run of this challenge may take {in_force:.4g} s here.\n"
    )
