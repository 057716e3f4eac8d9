"""`unlearn check`: smoke-test submissions, say how long they take and what has to be fixed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from runner.builder.default_challenge import (
    BUILD_SENTENCE,
    build_default_challenge,
    find_default_challenge,
)
from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.checkout import ROOT
from runner.cli.console import print_error, print_note, stderr_console
from runner.cli.interface.image_note import print_image_note
from runner.cli.interface.output_file import check_place
from runner.cli.options import DeviceOption, PublicDigitsChallengeOption, SubmissionsArgument
from runner.cli.participant.check_output import CheckOutput
from runner.cli.participant.watch import changes_of
from runner.engine.placement import CPU
from runner.errors import ConfigurationError, RunnerError
from runner.evaluation.check import Checked, Checker, check_store_folder, worst_exit_code
from runner.evaluation.entries import HandIn, read_hand_in
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.execution.containers import one_run_challenge
from runner.execution.host_session import host_session
from runner.execution.settings import MAX_RUNS, Settings
from runner.progress import ConsoleReporter
from runner.results.view import MIN_SCORED_RUNS
from runner.store.open_store import open_store
from runner.submission.load import (
    RefusedSubmission,
    Submission,
    load_submission,
    require_existing,
)

_SCORED_RUNS = 64
_BASELINE = ROOT / "sample_submissions" / "finetune"


def check_command(
    submissions: SubmissionsArgument,
    challenge: PublicDigitsChallengeOption = None,
    with_score: Annotated[
        bool, typer.Option("--score", help="If it runs, also evaluate and score it.")
    ] = False,
    n: Annotated[
        int | None, typer.Option("--runs", "-n", help="Runs with --score; 64 by default.", show_default=False)
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file changes.")] = False,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="Also write the results to this file, as JUnit."),
    ] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Also print annotations of GitHub Actions.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each submission.")] = False,
    device: DeviceOption = CPU,
) -> None:
    """Check in seconds whether submissions run, how long they take, and what has to be fixed.

    Runs each twice, with different seeds. For a failure it shows the line of your own file where it
    happened, and what to do. The exit code is 0 if all of them ran, else as listed by `unlearn --help`.
    """
    scored_runs = _scored_runs(with_score=with_score, n=n)
    if as_json and github:
        raise ConfigurationError("--json and --github both write to stdout; choose one of them.")
    require_existing(submissions)
    if junit is not None:
        check_place(junit, option="--junit")
    paths = list(dict.fromkeys(submissions))
    output = CheckOutput(as_json=as_json, github=github, junit=junit, challenge=challenge)
    with _checker(challenge, paths, device=device, scored_runs=scored_runs, output=output) as checker:
        code = _check_all(checker, paths, output)
        for _changed in changes_of(paths) if watch else ():
            code = _check_all(checker, paths, output)
    if code:
        raise typer.Exit(code)


def _scored_runs(*, with_score: bool, n: int | None) -> int | None:
    """Return how many runs the score needs; None without a score.

    Raises:
        ConfigurationError: the number is out of range, or stands without ``--score``.
    """
    if n is not None and not with_score:
        raise ConfigurationError("--runs goes with --score; without it a check has 2 runs.")
    if n is not None and not MIN_SCORED_RUNS <= n <= MAX_RUNS:
        raise ConfigurationError(f"--runs must be from {MIN_SCORED_RUNS} to {MAX_RUNS}, not {n}.")
    return (n or _SCORED_RUNS) if with_score else None


@contextmanager
def _checker(
    folder: Path | None,
    paths: Sequence[Path],
    *,
    device: str,
    scored_runs: int | None,
    output: CheckOutput,
) -> Iterator[Checker]:
    """Yield what checks submissions on this host, with the default challenge if no folder is named.

    If this host cannot check them, the JUnit file says so of each.
    """
    try:
        loaded = load_challenge(folder) if folder is not None else find_default_challenge()
        description = loaded.description if loaded is not None else None
        with host_session(
            ConsoleReporter(stderr_console()),
            limits=description.limits if description is not None else None,
            device=device,
            required_device=description.device if description is not None else CPU,
        ) as host:
            if loaded is None:
                print_note(BUILD_SENTENCE)
                loaded = build_default_challenge(
                    host.engine, host.image, labels=host.labels, reporter=host.reporter
                )
            elif folder is not None:
                print_image_note(host.image, loaded.description)
            store_folder = check_store_folder()
            with closing(open_store(store_folder, create=True)) as store:
                context = host.evaluation_context(store, store_folder)

                def settings(n: int) -> Settings:
                    return Settings(
                        n=n,
                        keep_going=False,
                        keep_checkpoints=False,
                        device=host.device,
                        placement=host.placement,
                    )

                on: Challenge = loaded
                yield Checker(
                    store=store,
                    folder=store_folder,
                    challenge=on,
                    evaluation_of=lambda each, n: evaluation_id_of(each, on, host.image, settings(n)),
                    evaluate=lambda each, n: evaluate(context, each, _fast(on, n), settings(n)),
                    report=print_error,
                    scored_runs=scored_runs,
                    baseline=_baseline() if folder is None and scored_runs is not None else None,
                )
    except RunnerError as error:
        output.write_unjudged(paths, str(error))
        raise


def _baseline() -> Submission | None:
    """Return the sample submission that scores are compared with; None if it is not there."""
    return load_submission(_BASELINE) if _BASELINE.is_dir() else None


def _fast(challenge: Challenge, n: int) -> Challenge:
    """Return the challenge with one container for the few runs of a smoke test: starting takes longest.

    Each run has the cores and threads that it has in an evaluation, so that its time says something.
    """
    return one_run_challenge(challenge) if n < MIN_SCORED_RUNS else challenge


def _check_all(checker: Checker, paths: Iterable[Path], output: CheckOutput) -> int:
    """Check what is at each path now, show each as it ends, and return the exit code."""
    checks = list(_checks(checker, paths, output.show))
    output.finish()
    return worst_exit_code(checks)


def _checks(
    checker: Checker, paths: Iterable[Path], show: Callable[[Checker, Path, Checked], None]
) -> Iterator[Checked]:
    for path in paths:
        try:
            hand_in = read_hand_in(path, checker.challenge)
        except ConfigurationError as error:  # removed while it was watched
            hand_in = HandIn(path=path, content=RefusedSubmission(name=path.name, reason=str(error)))
        checked = checker.check(hand_in)
        show(checker, path, checked)
        yield checked
