"""The leaderboard as data: the object that ``unlearn leaderboard --json`` prints and all renderers take.

``tests/runner/golden/leaderboard_schema.json`` records its JSON schema. Fields are added with a default and
never change their meaning. Names and reasons are for display: invisible characters in them are escapes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from runner.challenge.description import Feedback
from runner.leaderboard.candidates import Status
from scoring.card.levels import Level

SCHEMA_VERSION: Final = 1

Audience = Literal["organizer", "public"]
Kind = Status | Literal["baseline"]
"""Why a row has no rank."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FlagView(_Part):
    """An observation on an evaluation."""

    level: Level
    """How much it matters."""
    kind: str
    """What was observed."""


class RowView(_Part):
    """An entry with what came of it."""

    id: str
    """Names the file of its report."""
    team: str | None = None
    """Its team, if there are teams."""
    submission: str
    """Its name."""
    entry: int | None = None
    """Number of its entry."""
    evaluation: str | None = None
    """Its evaluation."""
    received: datetime
    """When it was handed in."""
    status: Status
    """How it ended; only what is `scored` and no baseline has a rank."""
    is_baseline: bool = False
    """A known method, which has no rank."""
    first_rank: int | None = None
    """First of the ranks that its group shares; of a baseline, where it would stand."""
    last_rank: int | None = None
    """Last of those ranks."""
    reason: str = ""
    """Why it has no rank."""
    score: float | None = None
    """The contest's score, not rounded."""
    score_low: float | None = None
    """Lower end of the 95 % confidence interval."""
    score_high: float | None = None
    """Upper end of that interval."""
    share_of_ceiling: float | None = None
    """Forgetting quality relative to that of perfect unlearning."""
    retain_ratio: float | None = None
    """Accuracy on retain, relative to the references."""
    test_ratio: float | None = None
    """Accuracy on test, relative to the references."""
    time_share: float | None = None
    """Median time of a run as a share of its limit."""
    n: int
    """Number of requested runs."""
    runs_ok: int | None = None
    """How many of them succeeded; null where none was executed."""
    verdicts: dict[str, int] = {}
    """Number of runs by verdict."""
    flags: list[FlagView] = []
    """Observations on its evaluation."""
    looks_like: list[str] = []
    """Names of others that its own looks like, or that of its team."""
    same_content_as: list[str] = []
    """Other rows (`id`) that share its evaluation."""
    verified_at: datetime | None = None
    """When its hashes and score were last computed again and matched."""
    reruns: int = 0
    """How many runs were executed again then."""
    feedback: Feedback = "verdict-only"
    """The feedback policy of its challenge."""


class ConditionsView(_Part):
    """What all rows of a table have in common; rows that differ in any of it are never in one table."""

    challenge_sha256: str
    """Hash of the challenge."""
    n: int
    """Number of runs."""
    image: str
    """Digest of the image."""
    limits: dict[str, float]
    """Limits of a run."""
    isolation: str
    """How runs are kept apart."""
    runtime: str
    """Container runtime."""
    device: str
    """Device of the runs."""
    scorer: int | None
    """Version of the scorer; null if it is not known."""


class TableView(_Part):
    """Rows under the same conditions."""

    conditions: ConditionsView
    """Those conditions."""
    rows: list[RowView]
    """Those with a rank, the best first."""
    baselines: list[RowView] = []
    """Known methods, the best first."""
    remarks: list[str] = []
    """What a reader of this table should know."""


class SectionView(_Part):
    """Rows without a rank that ended alike."""

    kind: Kind
    """How."""
    rows: list[RowView]
    """In the order in which they were received."""


class Board(_Part):
    """A leaderboard."""

    schema_version: Literal[1] = 1
    """Of this object."""
    challenge: str
    """Its name."""
    audience: Audience
    """Whom it was made for: the public, participants among them, sees less than organizers."""
    seed: int | None = None
    """Of the random halves; not for the public, since a submission must not know its half beforehand."""
    tables: list[TableView]
    """One for each set of conditions, the largest first."""
    sections: list[SectionView] = []
    """Rows without a rank."""

    def all_rows(self) -> list[RowView]:
        """Return the rows of all tables and sections."""
        return [
            *(row for table in self.tables for row in (*table.rows, *table.baselines)),
            *(row for section in self.sections for row in section.rows),
        ]
