"""Judge whether an attack was contained: a pure function of its runs and of the leftovers on the host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from runner.engine.placement import Isolation
from runner.gallery.attacks import Attack, Expectation
from runner.gallery.batches import Role, Step
from runner.time_limits.policy import wall_seconds
from runner.verdict import Verdict

LATE_SECONDS: Final = 10.0
"""Time after the limit within which a run must have been ended. A busy machine needs some of it to end a
container; a run that nobody ends continues for minutes or forever."""


class Outcome(StrEnum):
    """The result of an attack in one word."""

    CONTAINED = "contained"
    OPEN = "open"
    """Not contained, as known; or known and unsteady, and it did not show this time."""
    ESCAPED = "escaped"
    CLOSED = "closed"
    """Contained although it is marked as open; the mark must be removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """The result of one run of the gallery."""

    step: Step
    verdict: Verdict | None
    """None if the container was lost without a verdict."""
    detail: str
    output: str
    """The text that the run printed, and the traceback of its exception."""
    seconds: float
    """By the host's clock."""
    container_ended: bool
    """Whether the container ended with the run."""
    leftovers: tuple[str, ...]
    """A sentence for each leftover of the run on the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The result of one attack under one runtime and isolation."""

    attack: Attack
    runtime: str
    isolation: Isolation
    expectation: Expectation
    runs: tuple[RunResult, ...]
    problems: tuple[str, ...]
    """Reasons why it was not contained, each a sentence; empty if it was."""

    broken: tuple[str, ...]
    """Errors that no known hole excuses: its control failed, or a run is missing."""

    out_of_time: bool = False
    """Whether all of these are that its control or the next run did not end in time, as on a busy host."""

    @property
    def outcome(self) -> Outcome:
        """Return the outcome, given the expectation."""
        known = self.expectation.open is not None
        if self.broken:
            return Outcome.ESCAPED
        if self.problems:
            return Outcome.OPEN if known else Outcome.ESCAPED
        if known and self.attack.description.unsteady:
            return Outcome.OPEN
        return Outcome.CLOSED if known else Outcome.CONTAINED

    @property
    def passed(self) -> bool:
        """Return whether the outcome agrees with the description."""
        return self.outcome in (Outcome.CONTAINED, Outcome.OPEN)

    def runs_of(self, role: Role) -> list[RunResult]:
        """Return the results of its runs in a role."""
        return [run for run in self.runs if run.step.role == role]


def judge_attack(*, attack: Attack, runtime: str, isolation: Isolation, runs: Sequence[RunResult]) -> Result:
    """Return the result of an attack from the results of its runs."""
    expected = attack.expectation(runtime, isolation)
    problems: list[str] = []
    broken: list[str] = []
    for run in runs:
        role = run.step.role
        if role == "attack":
            problems += _attack_problems(run, expected, wall_seconds(attack.description.all_limits()))
        elif run.verdict is not Verdict.OK and role == "control":
            broken.append(f"its control ended {_ending(run)}")
        elif run.verdict is not Verdict.OK:
            problems.append(f"the next run ended {_ending(run)}")
        problems += [f"after the {role}: {leftover}" for leftover in run.leftovers]
    for role, required in (("control", 1), ("attack", attack.description.times), ("probe", 1)):
        if (count := sum(run.step.role == role for run in runs)) != required:
            broken.append(f"{count} of {required} {role} runs were done")
    slow = [run for run in runs if run.step.role != "attack" and run.verdict is Verdict.TIME_LIMIT]
    return Result(
        attack=attack,
        runtime=runtime,
        isolation=isolation,
        expectation=expected,
        out_of_time=0 < len(slow) == len(problems) + len(broken),
        runs=tuple(runs),
        problems=tuple(problems),
        broken=tuple(broken),
    )


def judge_refusal(
    *, attack: Attack, runtime: str, isolation: Isolation, refusal: str | None, problems: Sequence[str]
) -> Result:
    """Return the result of an attack that the host must refuse.

    Args:
        attack: The attack, of kind host.
        runtime: The container runtime, or `PODMAN`.
        isolation: The isolation of the gallery.
        refusal: The host's message, or None if it did not refuse the file.
        problems: Problems that are known already.
    """
    pattern = attack.description.refusal or ""
    all_problems = list(problems)
    if refusal is None:
        all_problems.append("the host did not refuse it")
    elif not re.search(pattern, refusal):
        all_problems.append(f"the host gave another reason: {refusal}")
    return Result(
        attack=attack,
        runtime=runtime,
        isolation=isolation,
        expectation=attack.expectation(runtime, isolation),
        runs=(),
        problems=tuple(all_problems),
        broken=(),
    )


def _attack_problems(run: RunResult, expected: Expectation, limit_seconds: float) -> list[str]:
    problems: list[str] = []
    if run.verdict not in expected.verdicts:
        problems.append(f"it ended {_ending(run)}, not {' or '.join(expected.verdicts)}")
    elif expected.output is not None and not re.search(expected.output, f"{run.detail}\n{run.output}"):
        problems.append(f"its output does not match {expected.output!r}; it ended {_ending(run)}")
    if run.verdict is Verdict.TIME_LIMIT and run.seconds > limit_seconds + LATE_SECONDS:
        problems.append(f"it was ended {run.seconds - limit_seconds:.1f} s after its time limit")
    return problems


def _ending(run: RunResult) -> str:
    if run.verdict is None:
        return f"with its container lost ({run.detail})"
    return f"{run.verdict} ({run.detail})" if run.detail else f"{run.verdict}"
