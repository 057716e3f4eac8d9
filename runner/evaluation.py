"""One evaluation: the runs that are still to be done, their outputs, then the score.

What is finished is on disk before it is noted in the store, so an interruption at any
moment loses at most the runs that were going on. It lies beside its place until it is noted,
so a process that comes back after another has gone on overwrites nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Collection, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from runner import manifest, options, recovery, scorecard
from runner.agreement import agree
from runner.challenge import Challenge
from runner.channel import Stream
from runner.checkpoint import content_sha256
from runner.engine import Container, Engine, answers
from runner.errors import HostNotReadyError, SandboxError
from runner.evaluating import Backlog
from runner.image import Image
from runner.isolated import Isolated, share_challenge
from runner.lease import Lease, held
from runner.paths import Paths, archive_of
from runner.placement import CPU, HERE, Isolation, Placement
from runner.progress import Reporter
from runner.staging import drop, settle, stage
from runner.store import EvaluationRecord, RunRecord, Store
from runner.submission import Submission
from runner.text import harmless, harmless_line
from runner.time_budget import TimeBudget
from runner.verdict import Verdict
from runner.worker import EndedRun, PlannedRun, Worker

MOST_RUNS: Final = 20_000
_ATTEMPTS_LOST: Final = 3
"""So often may the sandbox fail in one command before it is given up."""
_TRACEBACK_CHARACTERS: Final = 16_000
_ENGINE_BACK_SECONDS: Final = 60.0
"""So long may the engine be away, as when it is restarted, before the command ends."""
_ENGINE_PAUSE_SECONDS: Final = 0.5


Where = tuple[str, str, str]
USUAL: Final[Where] = ("process", "", CPU)
"""Isolation, runtime and device that are no part of an evaluation's name: older ones keep theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an evaluation is to be done."""

    n: int
    keep_going: bool
    """Do all runs even after one has earned no ``ok``."""
    keep_checkpoints: bool
    isolation: Isolation = "process"
    placement: Placement = HERE
    device: str = CPU
    """As it was asked for; ``placement`` says how the engine is to give it."""

    @property
    def where(self) -> Where:
        """Return isolation, runtime and device."""
        return (self.isolation, self.placement.runtime, self.device)

    def facts(self) -> dict[str, Any]:
        """Return them as plain values, for records."""
        isolation, runtime, device = self.where
        return {
            "n": self.n,
            "keep_going": self.keep_going,
            "keep_checkpoints": self.keep_checkpoints,
            "isolation": isolation,
            "runtime": runtime,
            "device": device,
        }


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


def identity(submission: Submission, challenge: Challenge, image: Image, settings: Settings) -> str:
    """Return the evaluation's name: the same for the same submission, challenge, image and settings."""
    return identity_of(
        submission=submission.sha256,
        challenge=challenge.sha256,
        image=image.digest,
        n=settings.n,
        where=settings.where,
    )


def identity_of(*, submission: str, challenge: str, image: str, n: int, where: Where = USUAL) -> str:
    """Return the evaluation's name from hashes, number of runs, and isolation, runtime and device."""
    parts: dict[str, object] = {"submission": submission, "challenge": challenge, "image": image, "n": n}
    if where != USUAL:
        parts["where"] = where
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


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
        self._budget = TimeBudget(total_seconds=challenge.description.limits.total_seconds)

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
        self._budget = TimeBudget.of(self._budget.total_seconds, (run.host_seconds for run in recorded))
        if self._budget.used_up and missing:
            self._done, self.touched = len(recorded), True
            self._give_up(missing)
            missing = []
        if not missing and not unevaluated:
            return self.touched or self._bench.store.summary(self.name) is None
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
            device=self.settings.placement.torch_device,
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
                if self._budget.used_up and missing:
                    self._give_up(missing)
                    missing = []
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
        """Do runs in worker containers; return whether the evaluation is to stop here."""
        bench = self._bench
        number = bench.store.begin_attempt(self.name, token=self.lease.token)
        outcome = "lost"
        seeds = {run.index: run.seed for run in missing}
        try:
            with contextlib.closing(self._runs(missing, backlog)) as runs:
                for ended in runs:
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
            bench.store.end_attempt(self.name, number, outcome)

    def _runs(self, missing: list[PlannedRun], backlog: Backlog) -> Generator[EndedRun]:
        """Yield runs as they end, in one container or in one each; leave none behind."""
        if self.settings.isolation == "container":
            told = share_challenge(self.challenge)
            isolated = Isolated(
                start=lambda: self._start_worker(told),
                work=lambda stream: self._worker(stream, told, runs=1),
                side_by_side=self.challenge.description.limits.concurrency,
            )
            with isolated:
                yield from isolated.do(missing, may_start=backlog.has_room, enough=self._is_used_up)
            return
        container = self._start_worker(self.challenge)
        try:
            worker = self._worker(container, self.challenge, runs=len(missing))
            yield from worker.do(missing, may_start=backlog.has_room, enough=self._is_used_up)
        finally:
            container.remove()

    def _is_used_up(self) -> bool:
        return self._budget.used_up

    def _start_worker(self, challenge: Challenge) -> Container:
        return self._bench.engine.start(
            options.worker(
                image=self._bench.image.tag,
                limits=challenge.description.limits,
                labels={**self._bench.labels, options.EVALUATION_LABEL: self.name},
                placement=self.settings.placement,
            )
        )

    def _worker(self, stream: Stream, challenge: Challenge, *, runs: int) -> Worker:
        room = options.LAST_UID - options.FIRST_UID - self.settings.n
        return Worker(
            stream=stream,
            challenge=challenge,
            submission=self.submission,
            runs=runs,
            first_uid=options.FIRST_UID + secrets.randbelow(room),
            placement=self.settings.placement,
        )

    def _publish(self, ended: EndedRun, attempt: int, seed: int, backlog: Backlog) -> None:
        """Note a run, its files beside their places; then put them in place."""
        files: list[Path] = []
        digest = ""
        try:
            if ended.log or ended.traceback:
                files.append(self.paths.log(ended.index))
                stage(files[-1], attempt, log_text(ended).encode())
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
                    exception_type=harmless_line(ended.exception_type, 200),
                ),
                token=self.lease.token,
            )
        except HostNotReadyError:
            for file in files:
                drop(file, attempt)
            raise
        for file in files:
            (settle if first else drop)(file, attempt)
        if first:
            self._budget = self._budget.after(ended.host_seconds)
        if first and ended.checkpoint:
            backlog.add(ended.index)
        self._tell(ended=1)

    def _give_up(self, missing: list[PlannedRun]) -> None:
        """Note how runs ended that are not started, because the time of the evaluation is used up."""
        judgement = self._budget.verdict_on_the_rest()
        for run in missing:
            self._bench.store.publish(
                self.name,
                RunRecord(
                    index=run.index,
                    seed=run.seed,
                    attempt=0,
                    verdict=judgement.verdict,
                    detail=judgement.detail,
                    host_seconds=0.0,
                    run_seconds=0.0,
                    checkpoint_sha256="",
                    log_bytes_dropped=0,
                ),
                token=self.lease.token,
            )
        self._tell(ended=len(missing))

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
            options.evaluator(
                image=self._bench.image.tag, cpus=cpus, labels=labels, placement=self.settings.placement
            )
        )

    def _tell(self, ended: int = 0) -> None:
        self._done += ended
        self._bench.reporter.count(f"{self.submission.name}: runs", self._done, self.settings.n)


def log_text(ended: EndedRun) -> str:
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
