"""One evaluation from its terms to its score: agree, do what is left, score, write it all down."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from runner.challenge.challenge import Challenge
from runner.evaluation.pending_runs import PendingRuns
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.results.manifest import render_manifest
from runner.results.summary import summarise
from runner.store import recovery
from runner.store.archives import store_archive
from runner.store.identity import evaluation_id
from runner.store.lease import evaluation_lease
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord, RunRecord
from runner.store.staged_files import commit_file, stage_file
from runner.submission.load import Submission
from runner.time_limits.terms import agree_on_terms


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
    bench: EvaluationContext, submission: Submission, challenge: Challenge, settings: Settings
) -> dict[str, Any]:
    """Do what is left of an evaluation and return its summary.

    Raises:
        HostNotReadyError: another process is at it, or this host cannot go on.
        SandboxError: the sandbox failed again and again; what was finished is kept.
    """
    name = evaluation_id_of(submission, challenge, bench.image, settings)
    paths = EvaluationPaths(folder=bench.folder / name)
    with evaluation_lease(bench.store.database, bench.folder, name) as lease:
        bench.store.begin(_record(name, submission, challenge, bench.image, settings.n))
        store_archive(bench.folder, submission.archive, sha256=submission.sha256)
        challenge = agree_on_terms(
            engine=bench.engine,
            image=bench.image,
            store=bench.store,
            evaluation=name,
            challenge=challenge,
            labels=bench.labels,
            reporter=bench.reporter,
            placement=settings.placement,
        ).applied_to(challenge)
        work = PendingRuns(
            bench=bench,
            submission=submission,
            challenge=challenge,
            settings=settings,
            name=name,
            paths=paths,
            lease=lease,
        )
        begun = time.monotonic()
        changed = False
        try:
            changed = work.do_what_is_left()
        finally:
            seconds = bench.store.add_seconds(name, time.monotonic() - begun if work.touched else 0.0)
        known = bench.store.summary(name)
        if known is not None and not changed and recovery.has_recorded_manifest(bench.store, paths, name):
            return known
        return _finish(bench, work, seconds)


def rerun(
    bench: EvaluationContext,
    submission: Submission,
    challenge: Challenge,
    settings: Settings,
    indices: Collection[int],
) -> list[RunRecord]:
    """Do some of an evaluation's runs, whatever is known of them, in the empty store of ``bench``.

    Raises:
        HostNotReadyError: this host cannot go on.
        SandboxError: the sandbox failed again and again.
    """
    name = evaluation_id_of(submission, challenge, bench.image, settings)
    with evaluation_lease(bench.store.database, bench.folder, name) as lease:
        bench.store.begin(_record(name, submission, challenge, bench.image, settings.n))
        challenge = agree_on_terms(
            engine=bench.engine,
            image=bench.image,
            store=bench.store,
            evaluation=name,
            challenge=challenge,
            labels=bench.labels,
            reporter=bench.reporter,
            placement=settings.placement,
        ).applied_to(challenge)
        PendingRuns(
            bench=bench,
            submission=submission,
            challenge=challenge,
            settings=replace(settings, keep_going=True),
            name=name,
            paths=EvaluationPaths(folder=bench.folder / name),
            lease=lease,
            only=indices,
        ).do_what_is_left()
        return bench.store.runs(name)


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


def _finish(bench: EvaluationContext, work: PendingRuns, seconds: float) -> dict[str, Any]:
    """Write summary and manifest, then note that the evaluation has ended."""
    name, challenge, submission = work.name, work.challenge, work.submission
    runs = bench.store.runs(name)
    bench.reporter.step(f"{submission.name}: scoring")
    summary = summarise(
        evaluation=name,
        submission=submission.name,
        challenge=challenge,
        n=work.settings.n,
        runs=runs,
        outputs=work.paths.outputs,
        seconds=seconds,
        copies=lambda digests: bench.store.copies(name, digests),
        retraining_seconds=bench.store.retraining_seconds(name),
    )
    text = (json.dumps(summary, indent=2) + "\n").encode()
    written = render_manifest(
        evaluation=name,
        submission=submission,
        challenge=challenge,
        image=bench.image,
        n=work.settings.n,
        settings=work.settings.facts(),
        engine=bench.engine.describe(),
        attempts=bench.store.attempts(name),
        runs=runs,
        outputs=work.paths.outputs,
        summary=text,
        seconds=seconds,
    )
    token = work.lease.token
    stage_file(work.paths.summary, token, text)
    stage_file(work.paths.manifest, token, written)
    digest = hashlib.sha256(written).hexdigest()
    bench.store.finish(name, summary, manifest_sha256=digest, token=token)
    commit_file(work.paths.summary, token)
    commit_file(work.paths.manifest, token)  # last: where it is the one that was noted, all is in place
    return summary
