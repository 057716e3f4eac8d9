"""One evaluation: the runs that are still to be done, their outputs, then the score.

What is finished is on disk before it is noted in the store, so an interruption at any
moment loses at most the runs that were going on. It lies beside its place until it is noted,
so a process that comes back after another has gone on overwrites nothing.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from runner import manifest, options, recovery, scorecard
from runner.challenge import Challenge
from runner.checkpoint import content_sha256
from runner.engine import Container, Engine, answers
from runner.errors import HostNotReadyError, SandboxError
from runner.evaluating import Backlog
from runner.files import write_whole
from runner.image import Image
from runner.lease import Lease, held
from runner.paths import Paths, archive_of
from runner.progress import Reporter
from runner.staging import drop, settle, stage
from runner.store import EvaluationRecord, RunRecord, Store
from runner.submission import Submission
from runner.text import harmless
from runner.verdict import Verdict
from runner.worker import EndedRun, PlannedRun, Worker

MOST_RUNS: Final = 20_000
_ATTEMPTS_LOST: Final = 3
"""So often may the sandbox fail in one command before it is given up."""
_TRACEBACK_CHARACTERS: Final = 16_000
_ENGINE_BACK_SECONDS: Final = 60.0
"""So long may the engine be away, as when it is restarted, before the command ends."""
_ENGINE_PAUSE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an evaluation is to be done."""

    n: int
    keep_going: bool
    """Do all runs even after one has earned no ``ok``."""
    keep_checkpoints: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where evaluations are done: what they share."""

    engine: Engine
    image: Image
    store: Store
    folder: Path
    """Of the store; each evaluation has a folder of its own inside."""
    labels: dict[str, str]
    reporter: Reporter


def identity(submission: Submission, challenge: Challenge, image: Image, n: int) -> str:
    """Return the evaluation's name: the same for the same submission, challenge, image and n."""
    return identity_of(submission=submission.sha256, challenge=challenge.sha256, image=image.digest, n=n)


def identity_of(*, submission: str, challenge: str, image: str, n: int) -> str:
    """Return the evaluation's name from the hashes of submission and challenge and the image's digest."""
    parts = {"submission": submission, "challenge": challenge, "image": image, "n": n}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def evaluate(
    bench: Bench, submission: Submission, challenge: Challenge, settings: Settings
) -> dict[str, Any]:
    """Do what is left of an evaluation and return its summary.

    Raises:
        HostNotReadyError: another process is at it, or this host cannot go on.
        SandboxError: the sandbox failed again and again; what was finished is kept.
    """
    name = identity(submission, challenge, bench.image, settings.n)
    paths = Paths(folder=bench.folder / name)
    with held(bench.store.database, bench.folder, name) as lease:
        bench.store.begin(_record(name, submission, challenge, bench.image, settings.n))
        manifest.keep_archive(bench.folder, submission)
        work = _Work(
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
        if known is not None and not changed and paths.manifest.is_file():
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
    name = identity(submission, challenge, bench.image, settings.n)
    with held(bench.store.database, bench.folder, name) as lease:
        bench.store.begin(_record(name, submission, challenge, bench.image, settings.n))
        _Work(
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


def _finish(bench: Bench, work: _Work, seconds: float) -> dict[str, Any]:
    """Write summary and manifest, then note that the evaluation has ended."""
    name, challenge, submission = work.name, work.challenge, work.submission
    runs = bench.store.runs(name)
    summary = scorecard.summarise(
        evaluation=name,
        submission=submission.name,
        challenge=challenge,
        n=work.settings.n,
        runs=runs,
        outputs=work.paths.outputs,
        seconds=seconds,
        copies=lambda digests: bench.store.copies(name, digests),
    )
    text = (json.dumps(summary, indent=2) + "\n").encode()
    written = manifest.render(
        evaluation=name,
        submission=submission,
        challenge=challenge,
        image=bench.image,
        n=work.settings.n,
        settings=asdict(work.settings),
        engine=bench.engine.describe(),
        attempts=bench.store.attempts(name),
        runs=runs,
        outputs=work.paths.outputs,
        summary=text,
        seconds=seconds,
    )
    work.lease.raise_if_lost()
    write_whole(work.paths.summary, text)
    write_whole(work.paths.manifest, written)
    digest = hashlib.sha256(written).hexdigest()
    bench.store.finish(name, summary, manifest_sha256=digest, token=work.lease.token)
    return summary


class _Work:
    """What is left of one evaluation."""

    def __init__(
        self,
        *,
        bench: Bench,
        submission: Submission,
        challenge: Challenge,
        settings: Settings,
        name: str,
        paths: Paths,
        lease: Lease,
        only: Collection[int] | None = None,
    ) -> None:
        self._bench, self.submission, self.challenge = bench, submission, challenge
        self.settings, self.name, self.paths, self.lease = settings, name, paths, lease
        self._indices = range(settings.n) if only is None else sorted(only)
        self.touched = False
        """Whether anything had to be done."""
        self._done = 0

    def do_what_is_left(self) -> bool:
        """Do it; return whether there was anything."""
        recorded = recovery.recover(
            self._bench.store, self.paths, self.name, self.lease.token, self._bench.reporter
        )
        unevaluated = [run.index for run in recorded if run.verdict is Verdict.OK and not run.evaluated]
        failed = any(run.verdict is not Verdict.OK for run in recorded)
        missing = self._missing(recorded)
        if failed and not self.settings.keep_going:
            missing = []
        if not missing and not unevaluated:
            return self._bench.store.summary(self.name) is None
        self.touched = True
        self._bench.reporter.step(f"{self.submission.name}: starting containers")
        self._done = len(recorded)
        backlog = Backlog(
            start=self._start_evaluator,
            challenge=self.challenge,
            store=self._bench.store,
            evaluation=self.name,
            checkpoint=self.paths.checkpoint,
            outputs=self.paths.outputs,
            keep_checkpoints=self.settings.keep_checkpoints,
            token=self.lease.token,
        )
        with backlog:
            for index in unevaluated:
                backlog.add(index)
            lost = 0
            while missing:
                try:
                    stopped = self._attempt(missing, backlog)
                except SandboxError:
                    lost += 1
                    backlog.raise_if_failed()
                    if lost >= _ATTEMPTS_LOST:
                        raise
                    self._await_engine()
                    stopped = False
                if stopped:
                    break
                missing = self._missing(self._bench.store.runs(self.name))
            self._bench.reporter.step(f"{self.submission.name}: evaluating the last checkpoints")
            backlog.finish()
        return True

    def _missing(self, recorded: list[RunRecord]) -> list[PlannedRun]:
        done = {run.index for run in recorded}
        return [
            PlannedRun(index=index, seed=self.challenge.run_seed(index))
            for index in self._indices
            if index not in done
        ]

    def _attempt(self, missing: list[PlannedRun], backlog: Backlog) -> bool:
        """Do runs in one worker container; return whether the evaluation is to stop here."""
        bench = self._bench
        number = bench.store.begin_attempt(self.name, token=self.lease.token)
        labels = {**bench.labels, options.EVALUATION_LABEL: self.name}
        outcome = "lost"
        container = bench.engine.start(
            options.worker(image=bench.image.tag, limits=self.challenge.description.limits, labels=labels)
        )
        try:
            room = options.LAST_UID - options.FIRST_UID - self.settings.n
            worker = Worker(
                stream=container,
                challenge=self.challenge,
                submission=self.submission,
                runs=len(missing),
                first_uid=options.FIRST_UID + secrets.randbelow(room),
            )
            seeds = {run.index: run.seed for run in missing}
            for ended in worker.do(missing, may_start=backlog.has_room):
                backlog.raise_if_failed()
                self.lease.raise_if_lost()
                self._publish(ended, number, seeds[ended.index], backlog)
                if ended.judgement.verdict is not Verdict.OK and not self.settings.keep_going:
                    outcome = "stopped at the first failure"
                    return True
            outcome = "done"
            return False
        except SandboxError as error:
            outcome = harmless(str(error), 500)
            raise
        finally:
            container.remove()
            bench.store.end_attempt(self.name, number, outcome)

    def _publish(self, ended: EndedRun, attempt: int, seed: int, backlog: Backlog) -> None:
        """Note a run, its files beside their places; then put them in place."""
        files: list[Path] = []
        digest = ""
        try:
            if ended.log or ended.traceback:
                files.append(self.paths.log(ended.index))
                stage(files[-1], attempt, _log_text(ended).encode())
            if ended.checkpoint:
                digest = content_sha256(ended.checkpoint)
                files.append(self.paths.checkpoint(ended.index))
                stage(files[-1], attempt, ended.checkpoint)
            first = self._bench.store.publish(
                self.name,
                RunRecord(
                    index=ended.index,
                    seed=seed,
                    attempt=attempt,
                    verdict=ended.judgement.verdict,
                    detail=harmless(ended.judgement.detail, 2000),
                    host_seconds=ended.host_seconds,
                    run_seconds=ended.run_seconds,
                    checkpoint_sha256=digest,
                    log_bytes_dropped=ended.log_bytes_dropped,
                ),
                token=self.lease.token,
            )
        except HostNotReadyError:
            for file in files:
                drop(file, attempt)
            raise
        for file in files:
            (settle if first else drop)(file, attempt)
        if first and ended.checkpoint:
            backlog.add(ended.index)
        self._tell(ended=1)

    def _await_engine(self) -> None:
        """Give an engine that is being restarted the time to come back.

        Raises:
            HostNotReadyError: it did not.
        """
        deadline = time.monotonic() + _ENGINE_BACK_SECONDS
        while not answers():
            if time.monotonic() > deadline:
                raise HostNotReadyError(
                    "The container engine went away and did not come back; what was finished is kept. "
                    "Start it, and repeat the command to go on."
                )
            time.sleep(_ENGINE_PAUSE_SECONDS)

    def _start_evaluator(self) -> Container:
        self._await_engine()
        labels = {**self._bench.labels, options.EVALUATION_LABEL: self.name}
        cpus = self.challenge.description.limits.cpus
        return self._bench.engine.start(
            options.evaluator(image=self._bench.image.tag, cpus=cpus, labels=labels)
        )

    def _tell(self, ended: int = 0) -> None:
        self._done += ended
        self._bench.reporter.count(f"{self.submission.name}: runs", self._done, self.settings.n)


def _log_text(ended: EndedRun) -> str:
    """Return what a run printed and raised, fit to be opened in a terminal."""
    parts = [harmless(ended.log)]
    if ended.log_bytes_dropped:
        parts.append(f"\n[{ended.log_bytes_dropped} bytes between head and tail were dropped]\n")
    if ended.traceback:
        parts.append("\n" + harmless(ended.traceback, _TRACEBACK_CHARACTERS))
    return "".join(parts)


def remove(store: Store, folder: Path, name: str) -> None:
    """Remove an evaluation: its rows and its files.

    Raises:
        HostNotReadyError: a process is at it.
    """
    with held(store.database, folder, name):
        submission = store.remove(name)
        shutil.rmtree(folder / name, ignore_errors=True)
        if submission is not None:
            archive_of(folder, submission).unlink(missing_ok=True)


def remove_checkpoints(store: Store, folder: Path, name: str) -> int:
    """Remove the checkpoints of evaluated runs, and return how many there were."""
    paths = Paths(folder=folder / name)
    removed = 0
    with held(store.database, folder, name):
        for run in store.runs(name):
            if run.evaluated and paths.checkpoint(run.index).is_file():
                paths.checkpoint(run.index).unlink()
                removed += 1
    return removed
