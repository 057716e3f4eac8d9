"""One evaluation: the runs that are still to be done, their outputs, then the score.

What is finished is on disk before it is noted in the store, so an interruption at any
moment loses at most the runs that were going on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from runner import options, scorecard
from runner.challenge import Challenge
from runner.channel import Stream
from runner.checkpoint import content_sha256
from runner.engine import Container, Engine
from runner.errors import HostNotReadyError, SandboxError
from runner.evaluating import Backlog
from runner.files import write_whole
from runner.image import Image
from runner.isolated import Isolated, share_challenge
from runner.placement import CPU, HERE, Isolation, Placement
from runner.progress import Reporter
from runner.store import EvaluationRecord, RunRecord, Store
from runner.submission import Submission
from runner.text import harmless
from runner.verdict import Verdict
from runner.worker import EndedRun, PlannedRun, Worker

MOST_RUNS: Final = 20_000
_ATTEMPTS_LOST: Final = 3
"""So often may the sandbox fail in one command before it is given up."""
_TRACEBACK_CHARACTERS: Final = 16_000


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where the files of one evaluation are."""

    folder: Path

    def checkpoint(self, index: int) -> Path:
        """Return the place of an unlearned checkpoint."""
        return self.folder / "checkpoints" / f"{index:05d}.safetensors"

    def outputs(self, index: int) -> Path:
        """Return the place of a run's outputs."""
        return self.folder / "outputs" / f"{index:05d}.npz"

    def log(self, index: int) -> Path:
        """Return the place of what a run printed."""
        return self.folder / "logs" / f"{index:05d}.txt"

    @property
    def summary(self) -> Path:
        """Return the place of the summary."""
        return self.folder / "summary.json"


def identity(submission: Submission, challenge: Challenge, image: Image, settings: Settings) -> str:
    """Return the evaluation's name: the same for the same submission, challenge, image and settings."""
    parts: dict[str, object] = {
        "submission": submission.sha256,
        "challenge": challenge.sha256,
        "image": image.digest,
        "n": settings.n,
    }
    # Named only where they are not the usual, so that older evaluations keep their names.
    where = (settings.isolation, settings.placement.runtime, settings.device)
    if where != ("process", "", CPU):
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
    with _alone(bench.folder, name):
        bench.store.begin(
            EvaluationRecord(
                id=name,
                submission_sha256=submission.sha256,
                submission=submission.name,
                archive_bytes=len(submission.archive),
                challenge=challenge.description.name,
                challenge_sha256=challenge.sha256,
                image=bench.image.digest,
                n=settings.n,
            )
        )
        work = _Work(
            bench=bench,
            submission=submission,
            challenge=challenge,
            settings=settings,
            name=name,
            paths=paths,
        )
        begun = time.monotonic()
        changed = False
        try:
            changed = work.do_what_is_left()
        finally:
            seconds = bench.store.add_seconds(name, time.monotonic() - begun if work.touched else 0.0)
        known = bench.store.summary(name)
        if known is not None and not changed:
            return known
        summary = scorecard.summarise(
            evaluation=name,
            submission=submission.name,
            challenge=challenge,
            n=settings.n,
            runs=bench.store.runs(name),
            outputs=paths.outputs,
            seconds=seconds,
        )
        write_whole(paths.summary, (json.dumps(summary, indent=2) + "\n").encode())
        bench.store.finish(name, summary)
        return summary


@contextlib.contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """Keep other processes from the same evaluation."""
    lock = FileLock(folder / "locks" / name, timeout=0)
    try:
        (folder / "locks").mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise HostNotReadyError(f"Evaluation {name} is being done by another process; wait for it.") from None
    except OSError as error:
        raise HostNotReadyError(f"{folder / 'locks'} cannot be used: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


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
    ) -> None:
        self._bench, self._submission, self._challenge = bench, submission, challenge
        self._settings, self._name, self._paths = settings, name, paths
        self.touched = False
        """Whether anything had to be done."""
        self._done = 0

    def do_what_is_left(self) -> bool:
        """Do it; return whether there was anything."""
        recorded = self._recover()
        unevaluated = [run.index for run in recorded if run.verdict is Verdict.OK and not run.evaluated]
        failed = any(run.verdict is not Verdict.OK for run in recorded)
        missing = self._missing(recorded)
        if failed and not self._settings.keep_going:
            missing = []
        if not missing and not unevaluated:
            return self._bench.store.summary(self._name) is None
        self.touched = True
        self._bench.reporter.step(f"{self._submission.name}: starting containers")
        self._done = len(recorded)
        backlog = Backlog(
            start=self._start_evaluator,
            challenge=self._challenge,
            store=self._bench.store,
            evaluation=self._name,
            checkpoint=self._paths.checkpoint,
            outputs=self._paths.outputs,
            keep_checkpoints=self._settings.keep_checkpoints,
            device=self._settings.placement.torch_device,
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
                    if lost >= _ATTEMPTS_LOST:
                        raise
                    stopped = False
                if stopped:
                    break
                missing = self._missing(self._bench.store.runs(self._name))
            self._bench.reporter.step(f"{self._submission.name}: evaluating the last checkpoints")
            backlog.finish()
        return True

    def _recover(self) -> list[RunRecord]:
        """Return the published runs, after forgetting those whose files are gone."""
        recorded = self._bench.store.runs(self._name)
        lost = [
            run.index
            for run in recorded
            if run.verdict is Verdict.OK
            and not (self._paths.outputs if run.evaluated else self._paths.checkpoint)(run.index).is_file()
        ]
        if lost:
            self._bench.store.withdraw(self._name, lost)
            recorded = [run for run in recorded if run.index not in lost]
        return recorded

    def _missing(self, recorded: list[RunRecord]) -> list[PlannedRun]:
        done = {run.index for run in recorded}
        return [
            PlannedRun(index=index, seed=self._challenge.run_seed(index))
            for index in range(self._settings.n)
            if index not in done
        ]

    def _attempt(self, missing: list[PlannedRun], backlog: Backlog) -> bool:
        """Do runs in worker containers; return whether the evaluation is to stop here."""
        bench = self._bench
        number = bench.store.begin_attempt(self._name)
        outcome = "lost"
        seeds = {run.index: run.seed for run in missing}
        try:
            with contextlib.closing(self._runs(missing, backlog)) as runs:
                for ended in runs:
                    backlog.raise_if_failed()
                    self._publish(ended, number, seeds[ended.index], backlog)
                    if ended.judgement.verdict is not Verdict.OK and not self._settings.keep_going:
                        outcome = "stopped at the first failure"
                        return True
            outcome = "done"
            return False
        except SandboxError as error:
            outcome = harmless(str(error), 500)
            raise
        finally:
            bench.store.end_attempt(self._name, number, outcome)

    def _runs(self, missing: list[PlannedRun], backlog: Backlog) -> Generator[EndedRun]:
        """Yield runs as they end, in one container or in one each; leave none behind."""
        if self._settings.isolation == "container":
            told = share_challenge(self._challenge)
            isolated = Isolated(
                start=lambda: self._start_worker(told),
                work=lambda stream: self._worker(stream, told, runs=1),
                side_by_side=self._challenge.description.limits.concurrency,
            )
            with isolated:
                yield from isolated.do(missing, may_start=backlog.has_room)
            return
        container = self._start_worker(self._challenge)
        try:
            worker = self._worker(container, self._challenge, runs=len(missing))
            yield from worker.do(missing, may_start=backlog.has_room)
        finally:
            container.remove()

    def _start_worker(self, challenge: Challenge) -> Container:
        return self._bench.engine.start(
            options.worker(
                image=self._bench.image.tag,
                limits=challenge.description.limits,
                labels={**self._bench.labels, options.EVALUATION_LABEL: self._name},
                placement=self._settings.placement,
            )
        )

    def _worker(self, stream: Stream, challenge: Challenge, *, runs: int) -> Worker:
        room = options.LAST_UID - options.FIRST_UID - self._settings.n
        return Worker(
            stream=stream,
            challenge=challenge,
            submission=self._submission,
            runs=runs,
            first_uid=options.FIRST_UID + secrets.randbelow(room),
            placement=self._settings.placement,
        )

    def _publish(self, ended: EndedRun, attempt: int, seed: int, backlog: Backlog) -> None:
        """Put a run's files in place, then note it."""
        if ended.log or ended.traceback:
            write_whole(self._paths.log(ended.index), _log_text(ended).encode())
        digest = ""
        if ended.checkpoint:
            digest = content_sha256(ended.checkpoint)
            write_whole(self._paths.checkpoint(ended.index), ended.checkpoint)
        first = self._bench.store.publish(
            self._name,
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
        )
        if first and ended.checkpoint:
            backlog.add(ended.index)
        self._tell(ended=1)

    def _start_evaluator(self) -> Container:
        labels = {**self._bench.labels, options.EVALUATION_LABEL: self._name}
        cpus = self._challenge.description.limits.cpus
        return self._bench.engine.start(
            options.evaluator(
                image=self._bench.image.tag, cpus=cpus, labels=labels, placement=self._settings.placement
            )
        )

    def _tell(self, ended: int = 0) -> None:
        self._done += ended
        self._bench.reporter.count(f"{self._submission.name}: runs", self._done, self._settings.n)


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
    with _alone(folder, name):
        store.remove(name)
        shutil.rmtree(folder / name, ignore_errors=True)


def remove_checkpoints(store: Store, folder: Path, name: str) -> int:
    """Remove the checkpoints of evaluated runs, and return how many there were."""
    paths = Paths(folder=folder / name)
    removed = 0
    with _alone(folder, name):
        for run in store.runs(name):
            if run.evaluated and paths.checkpoint(run.index).is_file():
                paths.checkpoint(run.index).unlink()
                removed += 1
    return removed
