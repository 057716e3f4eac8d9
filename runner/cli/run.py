"""`unlearn run`: evaluate submissions on a challenge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.cli.console import print_error, print_note, stderr_console
from runner.cli.options import (
    DEFAULT_STORE,
    DeviceOption,
    IsolationOption,
    JsonOption,
    RuntimeOption,
    StoreOption,
)
from runner.cli.show import show_summaries
from runner.engine.placement import CPU
from runner.errors import ConfigurationError
from runner.evaluation.batch import evaluate_all, refused_summary
from runner.evaluation.evaluate import evaluate
from runner.execution.context import EvaluationContext
from runner.execution.host_session import host_session
from runner.execution.settings import MAX_RUNS, Settings
from runner.progress import ConsoleReporter
from runner.results.summary import Summary
from runner.store.open_store import open_store
from runner.store.paths import evaluation_id, unlisted_sentence
from runner.store.store import Store
from runner.submission.load import Submission, read_submission, require_existing


def run_command(
    submissions: Annotated[
        list[Path],
        typer.Argument(
            metavar="SUBMISSION...",
            readable=False,
            help="Folders, .py files or .zip files with unlearning().",
            show_default=False,
        ),
    ],
    challenge: Annotated[
        Path,
        typer.Option(
            "--challenge",
            "-c",
            metavar="DIR",
            envvar="UNLEARN_CHALLENGE",
            readable=False,
            help="Folder of the challenge.",
        ),
    ],
    n: Annotated[
        int, typer.Option("--runs", "-n", help="Runs of each submission, each with its own seed.")
    ] = 64,
    store: StoreOption = DEFAULT_STORE,
    keep_checkpoints: Annotated[
        Literal["all", "none"], typer.Option(help="Which checkpoints are kept once they are evaluated.")
    ] = "none",
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Execute all runs, even after one has failed.")
    ] = False,
    isolation: IsolationOption = "process",
    runtime: RuntimeOption = "",
    device: DeviceOption = CPU,
    image: Annotated[
        str,
        typer.Option(
            metavar="DIGEST",
            help="Continue an evaluation that an earlier version began; `unlearn list` names the image.",
        ),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Run submissions n times each in sealed containers, and score them.

    Finished runs are saved: after an interruption, the same command executes only the remaining runs.
    """
    if not 2 <= n <= MAX_RUNS:
        raise ConfigurationError(
            f"--runs or -n must be from 2 to {MAX_RUNS}, not {n}; a score compares populations."
        )
    require_existing(submissions)
    loaded_challenge = load_challenge(challenge)
    loaded, refused = _read_all(submissions, challenge=loaded_challenge.description.name, n=n)
    if not loaded:
        show_summaries(refused, store, as_json=as_json)
        raise typer.Exit(1)
    description = loaded_challenge.description
    with host_session(
        ConsoleReporter(stderr_console()),
        limits=description.limits,
        runtime=runtime,
        device=device,
        required_device=description.device,
        image=image,
    ) as host:
        opened = open_store(store, create=True)
        settings = Settings(
            n=n,
            keep_going=keep_going,
            keep_checkpoints=keep_checkpoints == "all",
            isolation=isolation,
            device=device,
            placement=host.placement,
        )
        context = EvaluationContext(
            engine=host.engine,
            info=host.info,
            image=host.image,
            store=opened,
            folder=store,
            labels=host.labels,
            reporter=host.reporter,
        )
        if remark := unlisted_sentence(store, {stored.id for stored in opened.evaluations()}):
            print_note(remark)
        _note_earlier_images(opened, loaded, loaded_challenge, settings, image=host.image.digest)
        result = evaluate_all(
            loaded, lambda submission: evaluate(context, submission, loaded_challenge, settings), print_error
        )
    summaries = [*result.summaries, *refused]
    if summaries:
        show_summaries(summaries, store, as_json=as_json)
    if result.lost is not None:
        raise typer.Exit(result.lost.exit_code)
    if not all(summary.is_successful for summary in summaries):
        raise typer.Exit(1)


def _read_all(paths: Sequence[Path], *, challenge: str, n: int) -> tuple[list[Submission], list[Summary]]:
    """Return the submissions, and the outcomes of those that are refused; report each refusal at once."""
    submissions: list[Submission] = []
    refused: list[Summary] = []
    for path in paths:
        submission = read_submission(path)
        if isinstance(submission, Submission):
            submissions.append(submission)
        else:
            print_error(submission.reason)
            refused.append(refused_summary(submission, challenge=challenge, n=n))
    return submissions, refused


def _note_earlier_images(
    store: Store, submissions: Sequence[Submission], challenge: Challenge, settings: Settings, *, image: str
) -> None:
    """Report unfinished evaluations that this command would continue with the image that they need."""
    hashes = {submission.sha256 for submission in submissions}
    for stored in store.evaluations():
        same = evaluation_id(
            submission=stored.submission_sha256,
            challenge=challenge.sha256,
            image=stored.image,
            n=settings.n,
            where=settings.where,
        )
        if (
            stored.id == same
            and stored.summary is None
            and stored.image != image
            and stored.submission_sha256 in hashes
        ):
            print_note(
                f"{stored.submission}: evaluation {stored.id} is unfinished and needs another image; "
                f"to continue it, add: --image {stored.image[:16]}"
            )
