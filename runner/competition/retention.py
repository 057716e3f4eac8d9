"""Decide what is kept of ended entries: by days after the end of their phase, and by what still needs it.

Rows, summaries, score cards, manifests, logs and the audit are always kept. What may go are the archives of
submissions, the outputs of runs and stored checkpoints; never those of an entry that is a result, was chosen,
is in a final, is evidence, or was judged again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from runner.competition.competition import Competition
from runner.competition.phase import Phase
from runner.competition.states import DUTIES, EntryState

Kind = Literal["uploads", "outputs", "checkpoints"]
"""Archives of submissions, outputs of runs, checkpoints of runs."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedEntry:
    """What has to be known of an entry."""

    entry: int
    team: str
    phase: str
    state: EntryState
    score: float | None
    source: int | None
    """The entry that is judged again, in a final or in a rejudging."""
    batch: int | None
    """Of the rejudging that it is part of."""


def end_of(competition: Competition, phase: Phase) -> datetime:
    """Return the moment at which a phase, and every final that takes its entries, is over."""
    finals = [
        other
        for other in competition.phases
        if other.final is not None and other.final.entries_from == phase.name
    ]
    return max(competition.closes(each) for each in (phase, *finals))


def is_past(competition: Competition, phase: Phase, kind: Kind, now: datetime) -> bool:
    """Return whether the days are over for which a phase's files of a kind are kept."""
    days: int | None = getattr(competition.retention, f"{kind}_days")
    return days is not None and now >= end_of(competition, phase) + timedelta(days=days)


def reasons_to_keep(
    entries: Collection[EndedEntry], chosen: Collection[int], finals: Collection[str]
) -> Mapping[int, str]:
    """Return why the files of entries are kept, by their numbers; those that nothing needs are missing.

    Args:
        entries: All of a competition, also those of a rejudging that is not applied.
        chosen: Numbers of entries that are chosen for a final.
        finals: Names of the phases that are finals.
    """
    in_finals = {each.source for each in entries if each.phase in finals}
    rejudged = {each.source for each in entries if each.batch is not None}
    results = _results(entries)
    reasons = {}
    for each in entries:
        if DUTIES[each.state].owner != "nobody":
            reasons[each.entry] = "not ended"
        elif each.phase in finals or each.entry in in_finals:
            reasons[each.entry] = "in a final"
        elif each.state is EntryState.WITHDRAWN:
            continue
        elif each.entry in chosen:
            reasons[each.entry] = "chosen for a final"
        elif each.state is EntryState.DISQUALIFIED:
            reasons[each.entry] = "disqualified: evidence"
        elif each.batch is not None or each.entry in rejudged:
            reasons[each.entry] = "judged again"
        elif each.entry in results:
            reasons[each.entry] = "best of its team"
    return reasons


def _results(entries: Iterable[EndedEntry]) -> set[int]:
    """Return the best entries of each team in each phase, all of them where several are equal."""
    best: dict[tuple[str, str], float] = {}
    scored = [each for each in entries if each.state is EntryState.SCORED and each.score is not None]
    for each in scored:
        key, score = (each.phase, each.team), each.score or 0.0
        best[key] = max(score, best.get(key, score))
    return {each.entry for each in scored if each.score == best[each.phase, each.team]}
