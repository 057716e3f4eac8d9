"""One evaluation from its terms to its score: agree, do what is left, score, write it all down."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from runner import manifest, recovery, scorecard
from runner.agreement import agree
from runner.challenge import Challenge
from runner.image import Image
from runner.lease import held
from runner.paths import Paths
from runner.settings import Bench, Settings, identity
from runner.staging import settle, stage
from runner.store_records import EvaluationRecord, RunRecord
from runner.submission import Submission
from runner.work import Work


def evaluate(
    bench: Bench, submission: Submission, challenge: Challenge, settings: Settings
) -> dict[str, Any]:
    """Do what is left of an evaluation and return its summary.

    Raises:
        HostNotReadyError: another process is at it, or this host cannot go on.
        SandboxError: the sandbox failed again and again; what was finished is kept.
    """
    name = identity(submission, challenge, bench.image, settings)
    paths = Paths(folder=bench.folder / name)
    with held(bench.store.database, bench.folder, name) as lease:
        bench.store.begin(_record(name, submission, challenge, bench.image, settings.n))
        manifest.keep_archive(bench.folder, submission)
        challenge = agree(
            engine=bench.engine,
            image=bench.image,
            store=bench.store,
            evaluation=name,
            challenge=challenge,
            labels=bench.labels,
            reporter=bench.reporter,
            placement=settings.placement,
        ).applied_to(challenge)
        work = Work(
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
        if known is not None and not changed and recovery.has_manifest(bench.store, paths, name):
            return known
        return _finish(bench, work, seconds)


def do_again(
    bench: Bench, submission: Submission, challenge: Challenge, settings: Settings, indices: Collection[int]
) -> list[RunRecord]:
    """Do some of an evaluation's runs, whatever is known of them, in the empty store of ``bench``.

    Raises:
        HostNotReadyError: this host cannot go on.
        SandboxError: the sandbox failed again and again.
    """
    name = identity(submission, challenge, bench.image, settings)
    with held(bench.store.database, bench.folder, name) as lease:
        bench.store.begin(_record(name, submission, challenge, bench.image, settings.n))
        challenge = agree(
            engine=bench.engine,
            image=bench.image,
            store=bench.store,
            evaluation=name,
            challenge=challenge,
            labels=bench.labels,
            reporter=bench.reporter,
            placement=settings.placement,
        ).applied_to(challenge)
        Work(
            bench=bench,
            submission=submission,
            challenge=challenge,
            settings=replace(settings, keep_going=True),
            name=name,
            paths=Paths(folder=bench.folder / name),
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


def _finish(bench: Bench, work: Work, seconds: float) -> dict[str, Any]:
    """Write summary and manifest, then note that the evaluation has ended."""
    name, challenge, submission = work.name, work.challenge, work.submission
    runs = bench.store.runs(name)
    bench.reporter.step(f"{submission.name}: scoring")
    summary = scorecard.summarise(
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
    written = manifest.render(
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
    stage(work.paths.summary, token, text)
    stage(work.paths.manifest, token, written)
    digest = hashlib.sha256(written).hexdigest()
    bench.store.finish(name, summary, manifest_sha256=digest, token=token)
    settle(work.paths.summary, token)
    settle(work.paths.manifest, token)  # last: where it is the one that was noted, all is in place
    return summary
