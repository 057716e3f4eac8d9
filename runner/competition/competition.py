"""A competition: its phases and their moments, checked against each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from runner.competition.phase import Name, Phase, printable
from runner.competition.times import moment, time_zone

COMPETITION_FILE: Final = "competition.toml"
SCHEMA_VERSION: Final = 1

Days = Annotated[int, Field(ge=0, le=36_500)]
Stage = Literal["not open yet", "open", "closed"]


class Retention(BaseModel):
    """For how many days after the end of a phase, and of finals that take its entries, files are kept.

    A missing field keeps them for good. `unlearn competition clean` removes what is past, and nothing that a
    result, a choice, a final, a dispute or the audit needs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    uploads_days: Days | None = None
    """Archives of submissions."""
    outputs_days: Days | None = None
    """Outputs of runs: without them nothing can be scored again or verified."""
    checkpoints_days: Days | None = None
    """Checkpoints of runs, where they were kept."""


class Competition(BaseModel):
    """The fields of ``competition.toml``. Unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_version: Literal[1]
    """Of this file."""
    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(printable)]
    """Shown to people; what is stored of the competition belongs to it, so it must not change."""
    time_zone: str
    """The zone of all times in this file: AoE, UTC, or a name of the IANA database."""
    phases: Annotated[list[Phase], Field(min_length=1, max_length=50)]
    """In the order in which they open."""
    retention: Retention = Retention()
    """For how long files of ended entries are kept; everything is, if it is missing."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        time_zone(self.time_zone)
        names = [phase.name for phase in self.phases]
        if len(set(names)) != len(names):
            raise ValueError("two phases have the same name")
        for phase in self.phases:
            for field, local in _times(phase):
                try:
                    moment(local, self.zone)
                except ValueError as error:
                    raise ValueError(f"phase {phase.name}, {field}: {error}") from error
            self._check_times(phase)
            self._check_final(phase)
        opening = [self.opens(phase) for phase in self.phases]
        if opening != sorted(opening):
            raise ValueError("phases must stand in the order in which they open")
        return self

    def _check_times(self, phase: Phase) -> None:
        if self.opens(phase) >= self.closes(phase):
            raise ValueError(f"phase {phase.name} must close after it opens")
        freezes = self.freezes(phase)
        if freezes is not None and not self.opens(phase) <= freezes <= self.closes(phase):
            raise ValueError(
                f"phase {phase.name}: leaderboard.freezes must lie between its opening and its end"
            )

    def _check_final(self, phase: Phase) -> None:
        if phase.final is None:
            return
        source = next((other for other in self.phases if other.name == phase.final.entries_from), None)
        if source is None or source.kind == "final":
            raise ValueError(
                f"phase {phase.name}: final.entries_from must name a phase that teams hand in to"
            )
        if moment(phase.final.choose_by, self.zone) > self.closes(phase):
            raise ValueError(f"phase {phase.name}: final.choose_by must not be after its end")
        if moment(phase.final.choose_by, self.zone) < self.closes(source):
            raise ValueError(
                f"phase {phase.name}: final.choose_by must not be before the end of phase {source.name}, "
                "whose entries take part"
            )
        if set(phase.challenges) & set(source.challenges):
            raise ValueError(
                f"phase {phase.name} has a challenge of phase {source.name}, where participants have had "
                "feedback on it; a final needs challenges that nobody has been scored on"
            )

    @property
    def zone(self) -> tzinfo:
        """Return the time zone."""
        return time_zone(self.time_zone)

    def phase(self, name: Name) -> Phase:
        """Return a phase.

        Raises:
            ValueError: there is none of this name; the message is one sentence.
        """
        for phase in self.phases:
            if phase.name == name:
                return phase
        names = ", ".join(phase.name for phase in self.phases)
        raise ValueError(f"There is no phase {name!r}; the phases are: {names}.")

    def opens(self, phase: Phase) -> datetime:
        """Return the moment at which a phase opens."""
        return moment(phase.opens, self.zone)

    def closes(self, phase: Phase) -> datetime:
        """Return the first moment at which a phase is closed."""
        return moment(phase.closes, self.zone)

    def freezes(self, phase: Phase) -> datetime | None:
        """Return the moment at which what participants see of a phase stands still."""
        local = phase.leaderboard.freezes
        return None if local is None else moment(local, self.zone)

    def stage(self, phase: Phase, now: datetime) -> Stage:
        """Return whether a phase takes entries at a moment."""
        if now < self.opens(phase):
            return "not open yet"
        return "open" if now < self.closes(phase) else "closed"


def _times(phase: Phase) -> Iterator[tuple[str, datetime]]:
    yield "opens", phase.opens
    yield "closes", phase.closes
    if phase.leaderboard.freezes is not None:
        yield "leaderboard.freezes", phase.leaderboard.freezes
    if phase.final is not None:
        yield "final.choose_by", phase.final.choose_by
