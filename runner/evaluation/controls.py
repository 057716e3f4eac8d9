"""The runs of an evaluation on the control problems of its challenge.

::

    n runs on the challenge           n/4   n/4   n/4   n/4      batches, each in containers of its own,
    n/4 runs on each control problem  n/4   n/4                  executed in an order that is drawn at random

The runs on a control problem are an evaluation of their own in the store, with the other as its parent: other
commands do not list it. They have the terms of their parent, and each batch has about as many runs, so that
neither the age of a container nor the order tells a run which problem counts. A failed run on a control
problem is published as a run of the parent, which fails as by any other run, without what it printed: a
participant may read that of the parent's runs, and a run could print the control problem.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Final

from runner.challenge.challenge import Challenge
from runner.challenge.controls import load_controls
from runner.evaluation.pending_runs import PendingRuns
from runner.execution.context import EvaluationContext
from runner.execution.executor import Executor
from runner.results.controls import control_runs, has_control_runs
from runner.store.lease import evaluation_lease
from runner.store.paths import control_evaluation_id
from runner.store.records import EvaluationRecord
from runner.time_limits.terms import Terms

_SECRET: Final = random.SystemRandom()


@contextmanager
def pending_controls(
    context: EvaluationContext,
    pending: PendingRuns,
    terms: Terms,
    new_executor: Callable[..., Executor],
) -> Iterator[list[PendingRuns]]:
    """Record the parts of an evaluation on control problems; yield their pending runs, none without any.

    Args:
        context: What evaluations share.
        pending: The runs of the evaluation, whose lease is held.
        terms: Of the evaluation, which hold for its parts.
        new_executor: Creates the executor of a part.

    Raises:
        ConfigurationError: a control problem is missing or damaged.
        HostNotReadyError: another process works on a part.
    """
    n = pending.settings.n
    limits = pending.challenge.description.limits.model_dump()  # a run could tell problems apart by others
    controls = load_controls(pending.challenge) if has_control_runs(pending.challenge, n) else ()
    with ExitStack() as stack:
        parts = []
        for number, control in enumerate(controls, start=1):
            name = control_evaluation_id(pending.name, control.sha256)
            lease = stack.enter_context(evaluation_lease(context.store.database, context.folder, name))
            settings = replace(pending.settings, n=control_runs(n))
            context.store.begin(_record(name, pending, control, context.image.digest, settings.n))
            context.store.agree(name, terms.machine, terms.model_dump(mode="json"))
            parts.append(
                PendingRuns(
                    context=context,
                    submission=pending.submission,
                    challenge=control.with_limits(**limits),
                    settings=settings,
                    name=name,
                    paths=pending.paths.control(name),
                    lease=lease,
                    title=f"{pending.submission.name}, control problem {number}",
                    new_executor=new_executor,
                )
            )
        yield parts


def execute_in_batches(pending: PendingRuns, controls: Sequence[PendingRuns]) -> bool:
    """Execute what is unfinished of an evaluation and its parts; return whether it has to be scored.

    The batches are executed in an order that nobody can foresee.

    Args:
        pending: The runs of the evaluation.
        controls: Those on control problems.
    """
    if not controls:
        return pending.execute()
    size = control_runs(pending.settings.n)
    batches: list[tuple[PendingRuns, Sequence[int]]] = []
    for part in (pending, *controls):
        order = _SECRET.sample(list(part.indices), len(part.indices))
        batches += [(part, order[first : first + size]) for first in range(0, len(order), size)]
    _SECRET.shuffle(batches)
    changed = False
    for part, batch in batches:
        if part is pending:
            changed |= pending.execute(batch)
        elif pending.failed_run() is None:
            part.execute(batch)
            if (failed := part.failed_run()) is not None:
                pending.adopt(failed)
            changed |= part.worked
    return changed or pending.worked


def _record(name: str, pending: PendingRuns, control: Challenge, image: str, n: int) -> EvaluationRecord:
    submission = pending.submission
    return EvaluationRecord(
        id=name,
        submission_sha256=submission.sha256,
        submission=submission.name,
        archive_bytes=len(submission.archive),
        challenge=control.description.name,
        challenge_sha256=control.sha256,
        image=image,
        n=n,
        challenge_folder=str(control.folder.absolute()),
        parent=pending.name,
    )
