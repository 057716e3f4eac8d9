"""What a leaderboard is made from: one candidate for each entry, ranked or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from runner.challenge.description import Feedback
from scoring.card.levels import Level
from scoring.statistics.halves import HalvedScore

Status = Literal[
    "scored",
    "failed",
    "held",
    "invalid",
    "refused",
    "smoke-test",
    "judged",
    "unfinished",
    "withdrawn",
    "disqualified",
]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Conditions:
    """Whatever two scores must have in common to stand in one table."""

    challenge_sha256: str
    n: int
    image: str
    """Digest."""
    limits: tuple[tuple[str, float], ...]
    """Limits of a run by name, sorted."""
    isolation: str
    runtime: str
    device: str
    scorer: int
    """Version of the score (`scoring.card.version.SCORE_VERSIONS`); 0 if it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of a score card that a leaderboard shows; None for what is not known."""

    score: float | None = None
    score_low: float | None = None
    score_high: float | None = None
    share_of_ceiling: float | None = None
    retain_ratio: float | None = None
    test_ratio: float | None = None
    time_share: float | None = None
    """Median time of a run as a share of its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An entry with what came of it. Names and reasons are as untrusted as they came."""

    id: str
    """Names its files: letters, digits and hyphens."""
    submission: str
    received: datetime
    n: int
    """Number of requested runs."""
    status: Status
    """How it ended; `scored` asks for a rank."""
    conditions: Conditions | None = None
    """None where it has no evaluation, or none that has ended."""
    figures: Figures = Figures()
    halves: HalvedScore | None = None
    """Its score on random halves; None where that cannot be computed."""
    team: str | None = None
    entry: int | None = None
    """Number of its entry."""
    evaluation: str | None = None
    reason: str = ""
    """Why it has no rank, for organizers."""
    verdicts: Mapping[str, int] | None = None
    """Runs by verdict; None where none was executed."""
    flags: tuple[tuple[Level, str], ...] = ()
    """Level and kind of each observation on the evaluation."""
    verified_at: datetime | None = None
    """When `unlearn verify` last had no objection."""
    reruns: int = 0
    """How many runs were executed again then."""
    feedback: Feedback = "verdict-only"
    """The policy of its challenge."""
    is_baseline: bool = False
    """A known method: a reference line, never a rank."""
