"""Was an attack contained? A pure function of how its runs ended and what was left on the host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from runner.challenge.limits import wall_seconds
from runner.engine.placement import Isolation
from runner.gallery.attacks import Attack, Expectation
from runner.gallery.batches import Step
from runner.verdict import Verdict

LATE_SECONDS: Final = 10.0
"""A run over its time must have been ended within this; one that is not goes on for minutes or for ever, and
a busy machine takes its time to end a container."""


class Outcome(StrEnum):
    """What became of an attack."""

    CONTAINED = "contained"
    OPEN = "open"
    """It was not contained, and that is known; or it is known and, being unsteady, did not show."""
    ESCAPED = "escaped"
    CLOSED = "closed"
    """It was contained although it is marked as open; the mark has to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd:
    """How one run of the gallery ended."""

    step: Step
    verdict: Verdict | None
    """None if the container was lost without a verdict."""
    detail: str
    said: str
    """What the run printed, and the traceback of its exception."""
    seconds: float
    """By the host's clock."""
    container_ended: bool
    """Whether the container ended with it."""
    left: tuple[str, ...]
    """What was found of it on the host afterwards, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one attack under one runtime and isolation."""

    attack: Attack
    runtime: str
    isolation: Isolation
    expectation: Expectation
    ends: tuple[StepEnd, ...]
    problems: tuple[str, ...]
    """Each a sentence; none if it was contained."""

    broken: tuple[str, ...]
    """What is wrong whether or not the hole is known: its control failed, or a run is missing."""

    @property
    def outcome(self) -> Outcome:
        """Return what became of it."""
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
        """Return whether it went as its description says."""
        return self.outcome in (Outcome.CONTAINED, Outcome.OPEN)

    def of(self, role: str) -> list[StepEnd]:
        """Return how its runs in a role ended."""
        return [end for end in self.ends if end.step.role == role]


def judge_attack(*, attack: Attack, runtime: str, isolation: Isolation, ends: Sequence[StepEnd]) -> Result:
    """Return what became of an attack whose runs ended so."""
    expected = attack.expectation(runtime, isolation)
    problems: list[str] = []
    broken: list[str] = []
    for end in ends:
        if end.step.role == "attack":
            problems += _attack_problems(end, expected, wall_seconds(attack.description.all_limits()))
        elif end.verdict is not Verdict.OK:
            words = broken if end.step.role == "control" else problems
            which = "its control" if end.step.role == "control" else "the next run"
            words.append(f"{which} ended {_named(end)}")
        problems += [f"after the {end.step.role}: {one}" for one in end.left]
    wanted = {"control": 1, "attack": attack.description.times, "probe": 1}
    for role, times in wanted.items():
        if (found := sum(end.step.role == role for end in ends)) != times:
            broken.append(f"{found} of {times} {role} runs were done")
    return Result(
        attack=attack,
        runtime=runtime,
        isolation=isolation,
        expectation=expected,
        ends=tuple(ends),
        problems=tuple(problems),
        broken=tuple(broken),
    )


def judge_refusal(
    *, attack: Attack, runtime: str, isolation: Isolation, refused: str | None, problems: Sequence[str]
) -> Result:
    """Return what became of an attack that the host must refuse; ``refused`` is what it said."""
    pattern = attack.description.refusal or ""
    found = list(problems)
    if refused is None:
        found.append("the host did not refuse it")
    elif not re.search(pattern, refused):
        found.append(f"the host said: {refused}")
    return Result(
        attack=attack,
        runtime=runtime,
        isolation=isolation,
        expectation=attack.expectation(runtime, isolation),
        ends=(),
        problems=tuple(found),
        broken=(),
    )


def _attack_problems(end: StepEnd, expected: Expectation, wall_seconds: float) -> list[str]:
    found: list[str] = []
    if end.verdict not in expected.verdicts:
        found.append(f"it ended {_named(end)}, not {' or '.join(expected.verdicts)}")
    elif expected.says is not None and not re.search(expected.says, f"{end.detail}\n{end.said}"):
        found.append(f"nothing it said matches {expected.says!r}; {_named(end)}")
    if end.verdict is Verdict.TIME_LIMIT and end.seconds > wall_seconds + LATE_SECONDS:
        found.append(f"it was ended {end.seconds - wall_seconds:.1f} s after its time")
    return found


def _named(end: StepEnd) -> str:
    if end.verdict is None:
        return f"with its container lost ({end.detail})"
    return f"{end.verdict} ({end.detail})" if end.detail else f"{end.verdict}"
