"""`unlearn run`: evaluate submissions on a challenge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.challenge.load import load_challenge
from runner.cli.console import print_error, stderr_console
from runner.cli.evaluations import show_summaries
from runner.cli.options import (
    DEFAULT_STORE,
    DeviceOption,
    IsolationOption,
    JsonOption,
    RuntimeOption,
    StoreOption,
)
from runner.engine.capacity import require_memory
from runner.engine.client import Engine
from runner.engine.gpu_lock import gpu_lock
from runner.engine.placement import CPU, resolve_placement
from runner.engine.session import container_session
from runner.errors import ConfigurationError
from runner.evaluation.batch import evaluate_all
from runner.evaluation.evaluate import evaluate
from runner.execution.context import EvaluationContext
from runner.execution.settings import MAX_RUNS, Settings
from runner.image.image import require_image
from runner.progress import ConsoleReporter
from runner.results.summary import is_successful
from runner.store.store import Store
from runner.submission.load import load_submission


def run_command(
    submissions: Annotated[
        list[Path],
        typer.Argument(
            readable=False, help="Folders, .py files or .zip files with unlearning().", show_default=False
        ),
    ],
    challenge: Annotated[
        Path, typer.Option("--challenge", "-c", readable=False, help="Folder of the challenge.")
    ],
    n: Annotated[int, typer.Option("-n", help="Runs of each submission, each with its own seed.")] = 64,
    store: StoreOption = DEFAULT_STORE,
    keep_checkpoints: Annotated[
        Literal["all", "none"], typer.Option(help="What becomes of checkpoints once they are evaluated.")
    ] = "none",
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Do all runs, even after one has failed.")
    ] = False,
    isolation: IsolationOption = "process",
    runtime: RuntimeOption = "",
    device: DeviceOption = CPU,
    as_json: JsonOption = False,
) -> None:
    """Run submissions n times each in sealed containers, and score them.

    What is finished is kept: interrupt it, type it again, and only the rest is done.
    """
    if not 2 <= n <= MAX_RUNS:
        raise ConfigurationError(f"-n must be from 2 to {MAX_RUNS}, not {n}; a score compares populations.")
    problem = load_challenge(challenge)
    loaded = [load_submission(path) for path in submissions]
    engine = Engine()
    info = engine.info()
    require_memory(problem.description.limits, info)
    settings = Settings(
        n=n,
        keep_going=keep_going,
        keep_checkpoints=keep_checkpoints == "all",
        isolation=isolation,
        device=device,
        placement=resolve_placement(
            runtime=runtime,
            device=device,
            wanted_device=problem.description.device,
            engine_info=info,
        ),
    )
    made = require_image(engine)
    kept = Store.in_folder(store, create=True)
    with ConsoleReporter(stderr_console()) as reporter, container_session(engine) as labels, gpu_lock(device):
        bench = EvaluationContext(
            engine=engine, image=made, store=kept, folder=store, labels=labels, reporter=reporter
        )
        ended = evaluate_all(loaded, lambda one: evaluate(bench, one, problem, settings), print_error)
    if ended.summaries:
        show_summaries(ended.summaries, store, as_json=as_json)
    if ended.lost is not None:
        raise typer.Exit(ended.lost.exit_code)
    if not all(map(is_successful, ended.summaries)):
        raise typer.Exit(1)
