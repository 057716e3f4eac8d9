"""Execute the runs of an evaluation that are not finished: attempts, retries, time budget, and when to stop.

Finished runs are on disk before the store records them, so an interruption at any moment loses at most the
runs in progress.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Final

from runner.challenge.challenge import Challenge
from runner.clients.evaluator import Rejected
from runner.clients.runs import PlannedRun
from runner.errors import RunnerError, SandboxError
from runner.evaluation.publisher import RunPublisher
from runner.execution.context import EvaluationContext
from runner.execution.evaluator_queue import EVALUATOR_FAILED_TWICE
from runner.execution.executor import EvaluatedRun, Executor
from runner.execution.local import LocalExecutor
from runner.execution.settings import Settings
from runner.sanitize import sanitize
from runner.store.lease import Lease
from runner.store.paths import EvaluationPaths
from runner.store.records import RunRecord
from runner.store.recovery import recover_runs
from runner.submission.load import Submission
from runner.time_limits.budget import TimeBudget
from runner.verdict import Verdict

_MAX_LOST_ATTEMPTS: Final = 3
"""How often the sandbox may fail in one command before the command ends."""
_DONE: Final = "done"
_STOPPED: Final = "stopped at the first failure"
_LOST: Final = "lost"


class PendingRuns:
    """The unfinished runs of one evaluation."""

    def __init__(
        self,
        *,
        context: EvaluationContext,
        submission: Submission,
        challenge: Challenge,
        settings: Settings,
        name: str,
        paths: EvaluationPaths,
        lease: Lease,
        only: Collection[int] | None = None,
        title: str | None = None,
        new_executor: Callable[..., Executor] = LocalExecutor,
    ) -> None:
        """Prepare.

        Args:
            context: What evaluations share.
            submission: What is evaluated.
            challenge: On what, with the limits in force.
            settings: What was requested.
            name: Of the evaluation.
            paths: Of the evaluation's files.
            lease: Held by this process.
            only: Indices of the runs to execute; None for all.
            title: Names it in progress messages; the submission's name if left out.
            new_executor: Creates the executor.
        """
        self._context, self.submission, self.challenge = context, submission, challenge
        self.settings, self.name, self.paths, self.lease = settings, name, paths, lease
        self.indices: Sequence[int] = range(settings.n) if only is None else sorted(only)
        """Of the runs that are to be executed."""
        self._title = title if title is not None else submission.name
        self._new_executor = new_executor
        self._publisher = RunPublisher(
            store=context.store,
            paths=paths,
            evaluation=name,
            token=lease.token,
            keep_checkpoints=settings.keep_checkpoints,
        )
        self.worked = False
        """Whether anything had to be executed or evaluated."""
        self._finished = 0
        self._reported = False
        """Whether the number of finished runs was reported."""
        self._rejected = 0
        """Checkpoints that the executor returned as rejected with their run."""
        self._budget = TimeBudget(total_seconds=challenge.description.limits.total_seconds)
        self._batch: Sequence[int] = self.indices

    def execute(self, batch: Sequence[int] | None = None) -> bool:
        """Execute the unfinished runs; return whether the evaluation has to be scored.

        Args:
            batch: Indices of the runs to execute, if others are executed by another call.
        """
        store = self._context.store
        recorded = recover_runs(store, self.paths, self.name, self.lease.token, self._context.reporter)
        unevaluated = [run.index for run in recorded if run.verdict is Verdict.OK and not run.evaluated]
        self._batch = self.indices if batch is None else batch
        missing = self._missing(recorded)
        if any(run.verdict is not Verdict.OK for run in recorded) and not self.settings.keep_going:
            missing = []
            if any(run.detail == EVALUATOR_FAILED_TWICE for run in recorded):
                unevaluated = []  # each of them might fail as slowly
        self._finished = len(recorded)
        self._budget = TimeBudget.of(self._budget.total_seconds, (run.host_seconds for run in recorded))
        if self._budget.used_up and missing:
            self.worked = True
            self._skip_remaining(missing)
            missing = []
        if not missing and not unevaluated:
            return self.worked or store.evaluation(self.name).summary is None
        self.worked = True
        self._context.reporter.step(f"{self._title}: starting containers")
        executor = self._new_executor(
            context=self._context,
            submission=self.submission,
            challenge=self.challenge,
            settings=self.settings,
            evaluation=self.name,
            sink=self._publisher,
        )
        with executor:
            for index in unevaluated:
                executor.evaluate(index)
            self._attempt_until_finished(executor, missing)
            self._context.reporter.step(f"{self._title}: evaluating the last checkpoints")
            executor.finish()
        return True

    def failed_run(self) -> RunRecord | None:
        """Return a published run that failed; None if there is none."""
        runs = self._context.store.runs(self.name)
        return next((run for run in runs if run.verdict is not Verdict.OK), None)

    def adopt(self, failed: RunRecord) -> None:
        """Publish a failed run of a control problem as one of this evaluation's, which then fails.

        It takes the place of a run that is not published yet, or else of the last.

        Args:
            failed: The run.
        """
        published = {run.index for run in self._context.store.runs(self.name)}
        free = [index for index in self.indices if index not in published]
        index = secrets.choice(free) if free else self.indices[-1]
        self._publisher.adopt(failed, PlannedRun(index=index, seed=self.challenge.run_seed(index)))
        self.worked = True

    def _missing(self, recorded: list[RunRecord]) -> list[PlannedRun]:
        finished = {run.index for run in recorded}
        return [
            PlannedRun(index=index, seed=self.challenge.run_seed(index))
            for index in self._batch
            if index not in finished
        ]

    def _attempt_until_finished(self, executor: Executor, missing: list[PlannedRun]) -> None:
        """Attempt the missing runs, again where the sandbox was lost, until the evaluation has to stop.

        Raises:
            SandboxError: the sandbox was lost again and again.
        """
        lost = 0
        while missing and not self._is_failed(executor):
            try:
                if self._attempt(executor, missing):
                    return
            except SandboxError:
                lost += 1
                if lost >= _MAX_LOST_ATTEMPTS:
                    raise
                executor.await_ready()
            missing = self._missing(self._context.store.runs(self.name))
            if self._budget.used_up and missing:
                self._skip_remaining(missing)
                return

    def _attempt(self, executor: Executor, missing: list[PlannedRun]) -> bool:
        """Attempt runs; return True if a failed run stopped the evaluation."""
        store = self._context.store
        number = store.begin_attempt(
            self.name, token=self.lease.token, device=self.settings.executed_on or self.settings.device
        )
        outcome = _LOST
        by_index = {run.index: run for run in missing}

        def enough() -> bool:
            if executor.is_executing and not self._reported:
                self._report(ended=0)  # or a slow submission would look like a container that does not start
            return self._budget.used_up or self._is_failed(executor)

        try:
            with contextlib.closing(executor.execute(missing, enough=enough)) as runs:
                for run in runs:
                    self.lease.raise_if_lost()
                    self._publish(executor, run, by_index[run.ended.index], number)
                    if run.ended.judgement.verdict is not Verdict.OK and not self.settings.keep_going:
                        outcome = _STOPPED
                        return True
            outcome = _STOPPED if self._is_failed(executor) else _DONE
            return False
        except RunnerError as error:
            outcome = sanitize(str(error), 500)
            raise
        finally:
            store.end_attempt(self.name, number, outcome)

    def _is_failed(self, executor: Executor) -> bool:
        """Return whether a checkpoint was rejected, which ends an evaluation as a failed run does."""
        return self._rejected + executor.rejected > 0 and not self.settings.keep_going

    def _publish(self, executor: Executor, run: EvaluatedRun, planned: PlannedRun, attempt: int) -> None:
        index = planned.index
        first = self._publisher.publish(run, seed=planned.seed, attempt=attempt)
        if first:
            self._budget = self._budget.after(run.ended.host_seconds)
            if isinstance(run.outputs, Rejected):
                self._publisher.reject(index, run.outputs.reason)
                self._rejected += 1
            elif run.outputs is not None:
                self._publisher.publish_outputs(index, run.outputs)
            elif run.ended.checkpoint:
                executor.evaluate(index)
        self._report(ended=1)

    def _skip_remaining(self, missing: list[PlannedRun]) -> None:
        """Publish the verdict of runs that are not started because the time budget is used up."""
        judgement = self._budget.verdict_on_the_rest()
        for run in missing:
            self._publisher.publish_unstarted(run, judgement)
        self._report(ended=len(missing))

    def _report(self, ended: int) -> None:
        self._finished += ended
        self._reported = True
        self._context.reporter.count(f"{self._title}: runs", self._finished, self.settings.n)
