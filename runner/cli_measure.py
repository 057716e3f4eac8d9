"""`unlearn challenge measure`: how long retraining takes on this machine."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from runner import challenge as challenges
from runner import image
from runner.capacity import require_memory
from runner.cli_options import DeviceOption, RuntimeOption
from runner.devices import hold
from runner.engine import Engine
from runner.limits import effective
from runner.placement import CPU, place
from runner.progress import ConsoleReporter
from runner.retraining import timed
from runner.session import session


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
    problem = challenges.load(folder)
    engine = Engine()
    info = engine.info()
    require_memory(problem.description.limits, info)
    made = image.require(engine)
    placement = place(
        runtime=runtime,
        device=device,
        wanted_device=problem.description.device,
        engine_info=info,
    )
    reporter = ConsoleReporter(Console(stderr=True, highlight=False))
    with reporter, session(engine) as labels, hold(device):
        where, found = timed(
            engine=engine,
            image=made,
            challenge=problem,
            labels=labels,
            reporter=reporter,
            placement=placement,
            again=True,
        )
    in_force = effective(problem.description.limits, found.retrain_seconds).in_force()
    if as_json:
        shown = {
            "circumstances": where.facts(),
            "measurement": found.model_dump(mode="json"),
            "wall_seconds": in_force,
        }
        sys.stdout.write(json.dumps(shown) + "\n")
        return
    median = statistics.median(found.epoch_seconds)
    portions = ", ".join(f"{seconds:.4g}" for seconds in found.epoch_seconds)
    sys.stdout.write(
        f"Retraining takes {found.retrain_seconds:.4g} s here: {problem.description.training.epochs} epochs "
        f"of {median:.4g} s, the median of {portions} (means of {found.epochs} epochs each),\n"
        f"with {where.cpus:g} cores and {where.threads} threads as one run has. "
        f"A run of this challenge may take {in_force:.4g} s here.\n"
    )
