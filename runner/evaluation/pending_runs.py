"""The runs of an evaluation that are still to be done: in containers, judged, evaluated, published.

What is finished is on disk before it is noted in the store, so an interruption at any
moment loses at most the runs that were going on. It lies beside its place until it is noted,
so a process that comes back after another has gone on overwrites nothing.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Collection, Generator
from pathlib import Path
from typing import Final

from runner.challenge.challenge import Challenge
from runner.clients.channel import Stream
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.client import engine_answers
from runner.engine.container import Container
from runner.engine.container_spec import (
    EVALUATION_LABEL,
    FIRST_UID,
    LAST_UID,
    evaluator_concurrency,
    evaluator_container,
    worker_container,
)
from runner.errors import HostNotReadyError, RunnerError, SandboxError
from runner.evaluation.publisher import format_log
from runner.execution.container_per_run import ContainerPerRun, single_run_challenge
from runner.execution.context import EvaluationContext
from runner.execution.evaluator_queue import EVALUATOR_FAILED_TWICE, EvaluatorQueue
from runner.execution.settings import Settings
from runner.parsers.checkpoint import content_sha256, max_checkpoint_bytes
from runner.sanitize import sanitize, sanitize_line
from runner.store import recovery
from runner.store.lease import Lease
from runner.store.paths import EvaluationPaths
from runner.store.records import RunRecord
from runner.store.staged_files import commit_file, discard_file, stage_file
from runner.submission.load import Submission
from runner.time_limits.budget import TimeBudget
from runner.verdict import Verdict

_ATTEMPTS_LOST: Final = 3
"""So often may the sandbox fail in one command before it is given up."""
_ENGINE_BACK_SECONDS: Final = 60.0
"""So long may the engine be away, as when it is restarted, before the command ends."""
_ENGINE_PAUSE_SECONDS: Final = 0.5


class PendingRuns:
    """What is left of one evaluation."""

    def __init__(
        self,
        *,
        bench: EvaluationContext,
        submission: Submission,
        challenge: Challenge,
        settings: Settings,
        name: str,
        paths: EvaluationPaths,
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
        recorded = recovery.recover_runs(
            self._bench.store, self.paths, self.name, self.lease.token, self._bench.reporter
        )
        unevaluated = [run.index for run in recorded if run.verdict is Verdict.OK and not run.evaluated]
        failed = any(run.verdict is not Verdict.OK for run in recorded)
        missing = self._missing(recorded)
        if failed and not self.settings.keep_going:
            missing = []
            if any(run.detail == EVALUATOR_FAILED_TWICE for run in recorded):
                unevaluated = []  # what was left then, since it might take as long
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
        backlog = EvaluatorQueue(
            start=self._start_evaluator,
            challenge=self.challenge,
            store=self._bench.store,
            evaluation=self.name,
            checkpoint=self.paths.checkpoint,
            outputs=self.paths.outputs,
            keep_checkpoints=self.settings.keep_checkpoints,
            token=self.lease.token,
            device=self.settings.placement.torch_device,
            cores=evaluator_concurrency(
                cpus=self.challenge.description.limits.cpus,
                checkpoint_bytes=max_checkpoint_bytes(self.challenge.spec),
            ),
            keep_going=self.settings.keep_going,
        )
        with backlog:
            for index in unevaluated:
                backlog.add(index)
            lost = 0
            while missing and not self._is_failed(backlog):
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

    def _attempt(self, missing: list[PlannedRun], backlog: EvaluatorQueue) -> bool:
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
            outcome = "stopped at the first failure" if self._is_failed(backlog) else "done"
            return False
        except RunnerError as error:
            outcome = sanitize(str(error), 500)
            raise
        finally:
            bench.store.end_attempt(self.name, number, outcome)

    def _runs(self, missing: list[PlannedRun], backlog: EvaluatorQueue) -> Generator[EndedRun]:
        """Yield runs as they end, in one container or in one each; leave none behind."""

        def enough() -> bool:
            return self._budget.used_up or self._is_failed(backlog)

        if self.settings.isolation == "container":
            told = single_run_challenge(self.challenge)
            isolated = ContainerPerRun(
                start=lambda: self._start_worker(told),
                work=lambda stream: self._worker(stream, told, runs=1),
                side_by_side=self.challenge.description.limits.concurrency,
            )
            with isolated:
                yield from isolated.execute(missing, may_start=backlog.has_room, enough=enough)
            return
        container = self._start_worker(self.challenge)
        try:
            worker = self._worker(container, self.challenge, runs=len(missing))
            yield from worker.execute(missing, may_start=backlog.has_room, enough=enough)
        finally:
            container.remove()

    def _is_failed(self, backlog: EvaluatorQueue) -> bool:
        """Return whether a checkpoint was refused, which ends an evaluation as a run that fails does."""
        return backlog.refused > 0 and not self.settings.keep_going

    def _start_worker(self, challenge: Challenge) -> Container:
        return self._bench.engine.start(
            worker_container(
                image=self._bench.image.tag,
                limits=challenge.description.limits,
                labels={**self._bench.labels, EVALUATION_LABEL: self.name},
                placement=self.settings.placement,
            )
        )

    def _worker(self, stream: Stream, challenge: Challenge, *, runs: int) -> WorkerClient:
        room = LAST_UID - FIRST_UID - self.settings.n
        return WorkerClient(
            stream=stream,
            challenge=challenge,
            submission=self.submission,
            runs=runs,
            first_uid=FIRST_UID + secrets.randbelow(room),
            placement=self.settings.placement,
        )

    def _publish(self, ended: EndedRun, attempt: int, seed: int, backlog: EvaluatorQueue) -> None:
        """Note a run, its files beside their places; then put them in place."""
        files: list[Path] = []
        digest = ""
        try:
            if ended.log or ended.traceback:
                files.append(self.paths.log(ended.index))
                stage_file(files[-1], attempt, format_log(ended).encode())
            if ended.checkpoint:
                digest = content_sha256(ended.checkpoint)
                files.append(self.paths.checkpoint(ended.index))
                stage_file(files[-1], attempt, ended.checkpoint)
            first = self._bench.store.publish(
                self.name,
                RunRecord(
                    index=ended.index,
                    seed=seed,
                    attempt=attempt,
                    verdict=ended.judgement.verdict,
                    detail=sanitize(ended.judgement.detail, 2000),
                    host_seconds=ended.host_seconds,
                    run_seconds=ended.run_seconds,
                    checkpoint_sha256=digest,
                    log_bytes_dropped=ended.log_bytes_dropped,
                    exception_type=sanitize_line(ended.exception_type, 200),
                ),
                token=self.lease.token,
            )
        except HostNotReadyError:
            for file in files:
                discard_file(file, attempt)
            raise
        for file in files:
            (commit_file if first else discard_file)(file, attempt)
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
        while not engine_answers():
            if time.monotonic() > deadline:
                raise HostNotReadyError(
                    "The container engine went away and did not come back; what was finished is kept. "
                    "Start it, and repeat the command to go on."
                )
            time.sleep(_ENGINE_PAUSE_SECONDS)

    def _start_evaluator(self) -> Container:
        self._await_engine()
        labels = {**self._bench.labels, EVALUATION_LABEL: self.name}
        cpus = self.challenge.description.limits.cpus
        return self._bench.engine.start(
            evaluator_container(
                image=self._bench.image.tag, cpus=cpus, labels=labels, placement=self.settings.placement
            )
        )

    def _tell(self, ended: int = 0) -> None:
        self._done += ended
        self._bench.reporter.count(f"{self.submission.name}: runs", self._done, self.settings.n)
