"""The fields of a phase in ``competition.toml``, each checked by itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from runner.competition.metrics import METRICS
from runner.sanitize import sanitize_line

Kind = Literal["practice", "feedback", "final"]
Combination = Literal["mean", "mean-rank"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
"""Lower case letters, digits and hyphens: it is part of addresses and of folder names."""
ImageDigest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=1, le=1_000_000)]

_YEAR_SECONDS: Final = 366 * 86_400.0


def printable(text: str) -> str:
    """Return a text of the file that is printed as it is.

    Raises:
        ValueError: it has characters that a terminal does not show, or acts on.
    """
    if sanitize_line(text, len(text)) != text or not text.strip():
        raise ValueError("must be a line of visible characters")
    return text


def _relative(path: str) -> str:
    printable(path)
    parts = PurePosixPath(path).parts
    if not parts or parts[0] == "/" or ".." in parts or "\0" in path:
        raise ValueError(
            "the folder of a challenge must be a path below the folder of the competition, without .."
        )
    return path


def _local(value: object) -> object:
    if not isinstance(value, datetime):
        raise ValueError("must be a date and time without quotes, such as 2026-12-01T09:00:00")
    return value


def _known_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"there is no metric {name!r}; choose one of: {', '.join(METRICS)}")
    return name


LocalTime = Annotated[datetime, BeforeValidator(_local)]
"""In the competition's time zone; `runner.competition.competition` checks that it is one moment there."""
ChallengePath = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_relative)]
_CONFIG: Final = ConfigDict(frozen=True, extra="forbid", strict=True)


class Quota(BaseModel):
    """What a team may hand in; a missing field is no limit. `runner.competition.quota` says what counts."""

    model_config = _CONFIG

    per_day: Count | None = None
    """Entries on one calendar day of the competition's time zone."""
    total: Count | None = None
    """Entries in the whole phase."""
    failed_per_day: Count | None = None
    """Failed and refused entries on one day, which the others do not include."""
    in_flight: Count | None = None
    """Entries that have not ended yet."""
    interval_seconds: Annotated[float, Field(gt=0, le=_YEAR_SECONDS, allow_inf_nan=False)] | None = None
    """Least time between two entries."""


class BoardPolicy(BaseModel):
    """What participants see of a phase's leaderboard."""

    model_config = _CONFIG

    shown: bool = True
    """Whether they see scores at all. The state of an entry is never hidden."""
    names: Literal["teams", "anonymous"] = "teams"
    """How rows are called."""
    freezes: LocalTime | None = None
    """Entries that are received from this moment on change nothing that participants see."""


class FinalRule(BaseModel):
    """What a final takes from an earlier phase, and how its challenges decide together."""

    model_config = _CONFIG

    entries_from: Name
    """The phase whose entries are judged again."""
    entries_per_team: Annotated[int, Field(ge=1, le=100)] = 1
    """How many entries a team may choose; without a choice its best ones count."""
    choose_by: LocalTime
    """Until when teams may choose."""
    metric: Annotated[str, AfterValidator(_known_metric)] = "score"
    """The entry of the score card that decides; `runner.competition.metrics` has their names."""
    combine: Combination = "mean"
    """Over the challenges: the weighted mean of the metric, or of the ranks."""
    weights: list[Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]] | None = None
    """Of the challenges, in their order; all equal if it is missing."""


class Phase(BaseModel):
    """One phase: on which challenges entries are judged, when, how often, and what is shown of it."""

    model_config = _CONFIG

    name: Name
    """Unique in the competition."""
    kind: Kind
    """practice: a public challenge; feedback: a hidden one with a leaderboard; final: chosen entries only."""
    challenges: Annotated[list[ChallengePath], Field(min_length=1, max_length=20)]
    """Folders of challenges, relative to ``competition.toml``."""
    opens: LocalTime
    """First moment at which entries are taken."""
    closes: LocalTime
    """First moment at which they no longer are."""
    runs: Annotated[int, Field(ge=1, le=100_000)]
    """Number of runs of each evaluation."""
    priority: Annotated[int, Field(ge=0, le=1000)] = 100
    """Of the phase's entries in the queue; a lower number comes first."""
    isolation: Literal["process", "container"] = "process"
    """As in `unlearn run`."""
    runtime: Literal["runc", "runsc"] = "runc"
    """As in `unlearn run`."""
    device: Annotated[str, Field(pattern=r"^(cpu|cuda)$")] = "cpu"
    """The kind of device that all evaluations of the phase have."""
    image_config: ImageDigest | None = None
    """Digest of the image's configuration; evaluations with another image are refused. None: any image."""
    score_version: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Version of the score, which leaderboards show; a program that computes another evaluates nothing of the
    phase. None: any version."""
    late: Literal["refuse", "record"] = "refuse"
    """What becomes of entries after the end: no entry at all, or one that an organizer may let in."""
    quota: Quota = Quota()
    """What a team may hand in."""
    leaderboard: BoardPolicy = BoardPolicy()
    """What participants see."""
    final: FinalRule | None = None
    """Of a final, and only there."""

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if (self.kind == "final") != (self.final is not None):
            raise ValueError("a table final belongs to a phase of kind final, and only there")
        if self.kind != "final" and len(self.challenges) > 1:
            raise ValueError("only a final may have several challenges")
        if len(set(self.challenges)) != len(self.challenges):
            raise ValueError("a challenge is named twice")
        return self

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        weights = self.final.weights if self.final is not None else None
        if weights is not None and len(weights) != len(self.challenges):
            raise ValueError(
                f"final.weights must have a number for each of the {len(self.challenges)} challenges"
            )
        return self
