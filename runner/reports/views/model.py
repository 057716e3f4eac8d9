"""The view of an evaluation: the object that ``unlearn check --json`` prints and all renderers take.

``tests/runner/golden/evaluation_view_schema.json`` records its JSON schema. Fields are added with a default
and never change their meaning.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from runner.challenge.description import Feedback

SCHEMA_VERSION: Final = 1

Status = Literal["scored", "smoke-test", "judged", "failed", "held", "refused", "unfinished"]
NoticeLevel = Literal["problem", "suspicion", "note"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NoticeView(_Part):
    """An observation on an evaluation."""

    kind: str
    """What was observed."""
    level: NoticeLevel
    """How much it matters."""
    sentence: str
    """The observation."""
    advice: str = ""
    """What to do about it; only a problem has it."""
    false_alarms: str = ""
    """How often such an observation is wrong; only a suspicion has it, where it was measured."""

    @property
    def full_sentence(self) -> str:
        """Return the observation with one full stop at its end, for a text that goes on."""
        return f"{self.sentence.rstrip('.')}."


class FailureView(_Part):
    """The first run that failed, in the order of the runs."""

    run: int
    """Index of the run."""
    verdict: str
    """How it ended."""
    message: str
    """The exception with its message, or the sentence of the verdict."""
    exception: str = ""
    """Name of the exception's class; empty if the run raised none."""
    file: str | None = None
    """The participant's own file where it happened, by the path that was typed; None if it is unknown."""
    line: int | None = None
    """Number of the line, from 1; None if it is unknown."""
    source: str = ""
    """The line itself."""
    advice: str = ""
    """What to do about it; empty if it is none of the common mistakes."""
    traceback: str = ""
    """The end of what the run printed and raised."""


class ScoreView(_Part):
    """The score, if there are enough runs for one."""

    value: float
    """The contest's score."""
    low: float | None = None
    """Lower end of the 95 % confidence interval."""
    high: float | None = None
    """Upper end of that interval."""
    forgetting_quality: float | None = None
    """F, from 0 to 1."""
    share_of_ceiling: float | None = None
    """Forgetting quality relative to that of perfect unlearning."""
    retain_ratio: float | None = None
    """Accuracy on retain, relative to the references."""
    test_ratio: float | None = None
    """Accuracy on test, relative to the references."""


class BaselineView(_Part):
    """What a known method scores on the same challenge, with as many runs."""

    name: str
    """Of the method."""
    score: float
    """Its score."""
    runs_to_tell_apart: int | None = None
    """How many runs it takes, about, to tell the two scores apart; null if they are equal."""


class TimeView(_Part):
    """How long the runs took."""

    run_seconds: float
    """Median of the runs that succeeded."""
    processor_seconds: float | None = None
    """Median of their processor time, all processes and threads together; None if it is not known."""
    limit_seconds: float | None = None
    """Of a run; None if it is unknown."""
    projected_runs: int | None = None
    """The number of runs that `projected_seconds` is for."""
    projected_seconds: float | None = None
    """What so many runs take, one after another."""


class MemoryView(_Part):
    """How much memory the runs used."""

    peak_bytes: int
    """The most that any run was seen to use, its files in memory included."""
    limit_bytes: int | None = None
    """Of a run; None if it is unknown."""


class EvaluationView(_Part):
    """What there is to know of an evaluation at a glance."""

    schema_version: Literal[1] = 1
    """Of this object."""
    evaluation: str | None
    """None for files that are no submission."""
    submission: str
    """Its name."""
    path: str | None = None
    """As typed."""
    challenge: str
    """Its name."""
    n: int
    """Number of requested runs."""
    status: Status
    """How the evaluation ended, or `unfinished`."""
    feedback: Feedback | None = None
    """The policy by which it was filtered for a participant; None if it was not filtered."""
    verdicts: dict[str, int]
    """Number of runs by verdict."""
    reason: str | None = None
    """Why there is no score."""
    failure: FailureView | None = None
    """The first run that failed."""
    notices: list[NoticeView] = []
    """What to know, each once."""
    score: ScoreView | None = None
    """Null if there is none, or if the runs are too few for it to be shown."""
    baseline: BaselineView | None = None
    """Null without a score, or on a challenge for which no known method was evaluated."""
    time: TimeView | None = None
    """Null if no run has ended."""
    memory: MemoryView | None = None
    """None where this machine cannot see it, or no run took long enough to be looked at."""
    next: list[str] = []
    """Commands that go on from here."""

    @property
    def problems(self) -> list[NoticeView]:
        """Return the notices that ask for another submission."""
        return [notice for notice in self.notices if notice.level == "problem"]

    @property
    def is_failure(self) -> bool:
        """Return whether the submission is to blame for a missing score."""
        return self.status in ("failed", "refused")

    @property
    def is_fault_of_host(self) -> bool:
        """Return whether this host is to blame for a missing score."""
        return self.status == "held"
