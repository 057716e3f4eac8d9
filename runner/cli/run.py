"""`unlearn run`: evaluate submissions on a challenge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.cli.console import print_error, print_json, print_note, stderr_console, stdout_console
from runner.cli.devices import run_on_devices
from runner.cli.interface.image_note import note_earlier_images, print_image_note
from runner.cli.interface.report_page import ResultPages, check_page_folder
from runner.cli.interface.run_options import require_sense
from runner.cli.options import (
    DEFAULT_STORE,
    ClusterOption,
    DeviceOption,
    DevicesOption,
    IsolationOption,
    JsonOption,
    RuntimeOption,
    StoreOption,
    SubmissionsArgument,
)
from runner.cli.show import show_summaries
from runner.engine.placement import CPU, Placement
from runner.errors import ConfigurationError
from runner.evaluation.batch import evaluate_all, record_refused
from runner.evaluation.entries import HandIn, new_command, read_hand_in, record_hand_ins, with_known_names
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.execution.host_session import host_session
from runner.execution.settings import Settings
from runner.files import read_stored_file
from runner.image.image import Image
from runner.progress import ConsoleReporter
from runner.reports.entries import counts_line, ended_line, named_summaries, result_lines
from runner.reports.failures import failure_lines
from runner.reports.scores import summary_json
from runner.results.entry_result import EntryResult
from runner.store.entries.records import Entry, Outcome
from runner.store.open_store import open_store
from runner.store.paths import MAX_LOG_BYTES, EvaluationPaths, unlisted_sentence
from runner.store.removal import restart_evaluation
from runner.store.store import Store
from runner.submission.load import RefusedSubmission, Submission, require_existing


def run_command(
    submissions: SubmissionsArgument,
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
    devices: DevicesOption = "",
    cluster: ClusterOption = "",
    image: Annotated[
        str,
        typer.Option(
            metavar="DIGEST",
            help="Continue an evaluation that an earlier version started; `unlearn list` names the image.",
        ),
    ] = "",
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="On a public challenge: repeat evaluations that have ended, and discard their results.",
        ),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="DIR",
            readable=False,
            help="Write a report of each evaluation that ends into this folder, as ID.html.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run submissions n times each in sealed containers, and score them.

    Finished runs are saved: after an interruption, the same command executes only the remaining runs. With
    --devices, several submissions are evaluated at once; with --cluster, the runs of each on several nodes.
    """
    require_sense(n, device=device, devices=devices, cluster=cluster)
    require_existing(submissions)
    if html is not None:
        check_page_folder(html)
    loaded_challenge = load_challenge(challenge)
    description = loaded_challenge.description
    may_repeat = description.visibility == "public" or description.held_back
    if again and not may_repeat:
        raise ConfigurationError(
            "--again is for public challenges: where results count, nobody may choose the better of two. "
            "To drop a result all the same: unlearn clean EVALUATION"
        )
    hand_ins = _read_all(submissions, loaded_challenge)
    command = new_command()
    refused = [each for each in hand_ins if isinstance(each.content, RefusedSubmission)]
    if refused:  # recorded at once, which needs no engine; with the others they are the same entries again
        with closing(open_store(store, create=True)) as opened:
            results = record_refused(opened, refused, challenge=loaded_challenge, n=n, command=command)
        if len(refused) == len(hand_ins):
            pages = ResultPages(html, store)
            for result in results:
                pages.add(result)
            _show(results, store, as_json=as_json, keep_going=keep_going)
            pages.show(as_json=as_json)
            raise typer.Exit(1)
    pages = ResultPages(html, store)
    request = _Request(
        store=store, challenge=loaded_challenge, hand_ins=hand_ins, command=command, again=again
    )
    if devices or cluster:
        settings = Settings(
            n=n,
            keep_going=keep_going,
            keep_checkpoints=keep_checkpoints == "all",
            isolation=isolation,
            placement=Placement(runtime=runtime),
        )
    if cluster:
        from runner.cli.cluster.run import run_on_cluster  # noqa: PLC0415 - slow, and seldom needed

        failure = None
        batch = run_on_cluster(
            cluster,
            devices,
            loaded_challenge,
            settings,
            request.record,
            store=store,
            image=image,
            show_ended=lambda reporter: _when_ended(reporter, len(hand_ins), pages),
        )
    elif devices:
        batch, failure = run_on_devices(
            devices,
            loaded_challenge,
            settings,
            request.record,
            store=store,
            image=image,
            show_ended=pages.add,
            as_json=as_json,
        )
    else:
        failure = None
        reporter = ConsoleReporter(stderr_console())
        with host_session(
            reporter,
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
                device=host.recorded_device,
                placement=host.placement,
            )
            context = host.evaluation_context(opened, store)
            recorded_hand_ins, entries = request.record(opened, host.image, settings)
            batch = evaluate_all(
                recorded_hand_ins,
                entries,
                opened,
                lambda submission: evaluate(context, submission, loaded_challenge, settings),
                print_error,
                show_ended=_when_ended(reporter, len(hand_ins), pages),
            )
    _show(batch.results, store, as_json=as_json, keep_going=keep_going, may_repeat=may_repeat)
    pages.show(as_json=as_json)
    if failure is not None:
        raise failure
    if batch.lost is not None:
        raise typer.Exit(batch.lost.exit_code)
    if not all(result.outcome is Outcome.SCORED for result in batch.results):
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What was typed, to be recorded once the image is known."""

    store: Path
    challenge: Challenge
    hand_ins: Sequence[HandIn]
    command: str
    again: bool

    def record(self, opened: Store, image: Image, settings: Settings) -> tuple[list[HandIn], list[Entry]]:
        """Record an entry for each, print what is to be noted, and return both under their known names."""
        print_image_note(image, self.challenge.description)
        if remark := unlisted_sentence(self.store, {stored.id for stored in opened.evaluations()}):
            print_note(remark)
        hand_ins = with_known_names(self.hand_ins, opened)
        loaded = [each.content for each in hand_ins if isinstance(each.content, Submission)]
        note_earlier_images(opened, loaded, self.challenge, settings, image=image.digest)
        entries = record_hand_ins(
            opened,
            hand_ins,
            challenge=self.challenge,
            n=settings.n,
            evaluation_of=lambda each: evaluation_id_of(each, self.challenge, image, settings),
            command=self.command,
        )
        if self.again:
            for evaluation in dict.fromkeys(entry.evaluation for entry in entries if entry.evaluation):
                restart_evaluation(opened, self.store, evaluation)
        return hand_ins, entries


def _read_all(paths: Sequence[Path], challenge: Challenge) -> list[HandIn]:
    """Return what is at each path, however often it was typed; report each refusal at once."""
    hand_ins = [read_hand_in(path, challenge) for path in dict.fromkeys(paths)]
    for hand_in in hand_ins:
        if isinstance(hand_in.content, RefusedSubmission):
            print_error(hand_in.content.reason)
    return hand_ins


def _show(
    results: Sequence[EntryResult],
    store: Path,
    *,
    as_json: bool,
    keep_going: bool,
    may_repeat: bool = False,
) -> None:
    """Print a row for each entry, remarks and counts; or a JSON object for each entry."""
    if as_json:
        for result in results:
            print_json({**summary_json(result.summary), **result.to_json()})
        return
    lines = result_lines(results, keep_going=keep_going, may_repeat=may_repeat)
    if any(result.outcome is Outcome.FAILED for result in results):
        with closing(open_store(store, create=False)) as opened:
            lines = [*failure_lines(results, opened.runs, partial(_read_log, store), store=store), *lines]
    show_summaries(named_summaries(results), store, as_json=False, further=lines)
    stdout_console().print(counts_line(results), markup=False, soft_wrap=True)


def _when_ended(reporter: ConsoleReporter, total: int, pages: ResultPages) -> Callable[[EntryResult], None]:
    """Return a function that shows how each entry ended as soon as it has, and writes its page.

    A single one needs no line.
    """
    numbers = count(1)

    def show(result: EntryResult) -> None:
        if total > 1:
            reporter.line(ended_line(result, next(numbers), total))
        pages.add(result)

    return show


def _read_log(store: Path, evaluation: str, index: int) -> bytes:
    """Return a run's log; empty if it cannot be read, which is not worth the command."""
    try:
        return read_stored_file(
            EvaluationPaths(folder=store / evaluation).log(index), max_bytes=MAX_LOG_BYTES
        )
    except OSError:
        return b""
