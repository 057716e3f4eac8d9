"""Evaluate a submission: agree on terms, execute pending runs, score, and record the result."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from runner.challenge.challenge import Challenge
from runner.engine.placement import CPU
from runner.evaluation.controls import execute_in_batches, pending_controls
from runner.evaluation.pending_runs import PendingRuns
from runner.evaluation.room import require_room
from runner.evaluation.slow_runs import time_again_if_too_slow
from runner.execution.context import EvaluationContext
from runner.execution.executor import Executor
from runner.execution.gpu_driver import RECORDED, installed_driver
from runner.execution.local import LocalExecutor
from runner.execution.settings import Settings
from runner.files import write_atomic
from runner.image.image import Image
from runner.results.card_file import card_bytes, has_recorded_card
from runner.results.controls import recorded_controls
from runner.results.manifest import render_manifest
from runner.results.scoring import score_runs
from runner.results.summarize import summarize
from runner.results.summary import Summary
from runner.results.view import MIN_SCORED_RUNS
from runner.store.lease import evaluation_lease
from runner.store.paths import EvaluationPaths, evaluation_id, store_archive
from runner.store.records import EvaluationRecord, RunRecord
from runner.store.recovery import has_recorded_manifest
from runner.store.staged_files import commit_file, stage_file
from runner.submission.load import Submission
from runner.time_limits.elsewhere import RetrainingTimer
from runner.time_limits.terms import Terms, agree_on_terms


def evaluation_id_of(submission: Submission, challenge: Challenge, image: Image, settings: Settings) -> str:
    """Return the evaluation's name: the same for the same submission, challenge, image and settings."""
    return evaluation_id(
        submission=submission.sha256,
        challenge=challenge.sha256,
        image=image.digest,
        n=settings.n,
        where=settings.where,
    )


def evaluate(
    context: EvaluationContext,
    submission: Submission,
    challenge: Challenge,
    settings: Settings,
    *,
    new_executor: Callable[..., Executor] = LocalExecutor,
    timer: RetrainingTimer | None = None,
    gpu_driver: Callable[[], str] = installed_driver,
    before_scoring: Callable[[], object] = lambda: None,
) -> Summary:
    """Execute what is unfinished of an evaluation and return its summary.

    Args:
        context: What the evaluations of a command share.
        submission: To be evaluated.
        challenge: On which it is.
        settings: As requested.
        new_executor: Creates the executor.
        timer: Times retraining where the runs are executed; None if this machine does so itself.
        gpu_driver: Returns the driver's version where the runs were executed; asked on GPUs alone.
        before_scoring: Called once all runs have ended, unless a result is stored already.

    Raises:
        ConfigurationError: a control problem of the challenge is missing or damaged.
        HostNotReadyError: another process works on it, or this host cannot continue.
        SandboxError: the sandbox failed again and again; finished runs are saved.
    """
    with (
        _pending_runs(context, submission, challenge, settings, new_executor=new_executor, timer=timer) as (
            pending,
            terms,
        ),
        pending_controls(context, pending, terms, new_executor) as controls,
    ):
        store, name = context.store, pending.name
        if settings.keep_checkpoints:
            require_room([pending, *controls], store)
        started_at = time.monotonic()
        changed = False
        try:
            changed = execute_in_batches(pending, controls)
        finally:
            worked = any(part.worked for part in (pending, *controls))
            seconds = store.add_seconds(name, time.monotonic() - started_at if worked else 0.0)
        stored = store.evaluation(name).summary
        is_complete = has_recorded_manifest(store, pending.paths, name) and has_recorded_card(pending.paths)
        if stored is not None and not changed and is_complete:
            return Summary.from_json(stored)
        before_scoring()
        if stored is None or changed:  # what an ended evaluation was compared with stays
            time_again_if_too_slow(context, name, pending.challenge, terms, settings)
        driver = gpu_driver() if settings.device != CPU else ""
        return _finish(context, pending, seconds, driver)


def rerun(
    context: EvaluationContext,
    submission: Submission,
    challenge: Challenge,
    settings: Settings,
    indices: Collection[int],
) -> list[RunRecord]:
    """Execute some of an evaluation's runs from scratch, in the empty store of ``context``.

    Raises:
        HostNotReadyError: this host cannot continue.
        SandboxError: the sandbox failed again and again.
    """
    settings = replace(settings, keep_going=True)
    with _pending_runs(context, submission, challenge, settings, only=indices) as (pending, _terms):
        pending.execute()
        return context.store.runs(pending.name)


@contextmanager
def _pending_runs(
    context: EvaluationContext,
    submission: Submission,
    challenge: Challenge,
    settings: Settings,
    *,
    only: Collection[int] | None = None,
    new_executor: Callable[..., Executor] = LocalExecutor,
    timer: RetrainingTimer | None = None,
) -> Iterator[tuple[PendingRuns, Terms]]:
    """Take the lease of an evaluation, record it and agree on its terms; yield its pending runs and these."""
    name = evaluation_id_of(submission, challenge, context.image, settings)
    with evaluation_lease(context.store.database, context.folder, name) as lease:
        context.store.begin(_record(name, submission, challenge, context.image, settings.n))
        store_archive(context.folder, submission.archive, sha256=submission.sha256)
        paths = EvaluationPaths(folder=context.folder / name)
        if only is None and context.store.evaluation(name).summary is None:
            write_atomic(paths.settings, json.dumps(settings.for_record()).encode())
        terms = agree_on_terms(
            engine=context.engine,
            image=context.image,
            store=context.store,
            evaluation=name,
            challenge=challenge,
            labels=context.labels,
            reporter=context.reporter,
            placement=settings.placement,
            time_retraining=only is None
            and challenge.references is not None
            and settings.n >= MIN_SCORED_RUNS,
            timer=timer,
        )
        pending = PendingRuns(
            context=context,
            submission=submission,
            challenge=terms.applied_to(challenge),
            settings=settings,
            name=name,
            paths=paths,
            lease=lease,
            only=only,
            new_executor=new_executor,
        )
        yield pending, terms


def _record(
    name: str, submission: Submission, challenge: Challenge, image: Image, n: int
) -> EvaluationRecord:
    return EvaluationRecord(
        id=name,
        submission_sha256=submission.sha256,
        submission=submission.name,
        archive_bytes=len(submission.archive),
        challenge=challenge.description.name,
        challenge_sha256=challenge.sha256,
        image=image.digest,
        n=n,
        challenge_folder=str(challenge.folder.absolute()),
    )


def _finish(context: EvaluationContext, pending: PendingRuns, seconds: float, driver: str) -> Summary:
    """Score; write summary, card and manifest; then record that the evaluation has ended."""
    name, challenge, submission = pending.name, pending.challenge, pending.submission
    store, paths = context.store, pending.paths
    runs = store.runs(name)
    context.reporter.step(f"{submission.name}: scoring")
    controls = recorded_controls(store, paths, name, challenge, pending.settings.n)
    card = score_runs(challenge, runs, paths.outputs, store.retraining(name), controls)
    summary = summarize(
        evaluation=name,
        submission=submission.name,
        challenge=challenge,
        n=pending.settings.n,
        runs=runs,
        seconds=seconds,
        card=card,
        copies=lambda digests: store.copies(name, digests),
        binary_files=submission.binary_files,
    )
    card_text = card_bytes(card) if card is not None and not isinstance(card, str) else None
    manifest = render_manifest(
        evaluation=name,
        submission=submission,
        challenge=challenge,
        image=context.image,
        n=pending.settings.n,
        settings=pending.settings.for_record(),
        engine={**context.info.for_record(), **({RECORDED: driver} if driver else {})},
        attempts=store.attempts(name),
        runs=runs,
        outputs=paths.outputs,
        summary=summary.to_bytes(),
        card=card_text,
        seconds=seconds,
        controls=controls,
    )
    files = {paths.summary: summary.to_bytes(), paths.card: card_text, paths.manifest: manifest}
    token = pending.lease.token
    for file, text in files.items():
        if text is not None:
            stage_file(file, token, text)
    store.finish(
        name,
        summary.to_json(),
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        outcome=summary.outcome,
        token=token,
    )
    if card_text is None:
        paths.card.unlink(missing_ok=True)  # of an earlier end, before runs had to be executed again
    for file, text in files.items():  # the manifest last: where it is the recorded one, all files are there
        if text is not None:
            commit_file(file, token)
    return summary
