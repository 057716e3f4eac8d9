"""Whether the results of a final are published: by the last act in the audit that says so."""

from __future__ import annotations

from typing import Final

from runner.competition.states import IN_FLIGHT, EntryState
from runner.contest.final import FINAL_ACT
from runner.contest.final import Final as ContestFinal
from runner.errors import ConfigurationError
from runner.store.competition.records import Act, RecordedAct

PUBLISH_ACT: Final = "final publish"
HIDE_ACT: Final = "final hide"


def decisions(final: ContestFinal) -> list[RecordedAct]:
    """Return the acts by which a final came to be, and was published, the oldest first."""
    acts = (FINAL_ACT, PUBLISH_ACT, HIDE_ACT)
    return [
        act
        for act in final.store.audit(final.competition.name)
        if act.act in acts and act.subject == final.phase.name
    ]


def is_published(final: ContestFinal) -> bool:
    """Return whether everybody may see the results of a final."""
    if not final.phase.leaderboard.shown:
        return False
    last = [act for act in decisions(final) if act.act != FINAL_ACT][-1:]
    return bool(last) and last[0].act == PUBLISH_ACT


def waiting(final: ContestFinal) -> int:
    """Return how many evaluations of a final have not ended."""
    entries = final.store.competition_entries(final.competition.name, phase=final.phase.name)
    return sum(entry.state in IN_FLIGHT or entry.state is EntryState.HELD for entry in entries)


def publish(final: ContestFinal, *, who: str, reason: str) -> None:
    """Let everybody see the results of a final.

    Raises:
        ConfigurationError: it has not been queued, an evaluation has not ended, nobody has a rank, its scores
            are not to be shown, or its results are published already.
    """
    name = final.phase.name
    if not final.phase.leaderboard.shown:
        raise ConfigurationError(
            f"Phase {name} has leaderboard.shown = false, so its results are not published."
        )
    if not final.is_queued:
        raise ConfigurationError(f"The entries of phase {name} have not been queued yet.")
    if (number := waiting(final)) > 0:
        raise ConfigurationError(
            f"{number} evaluations of phase {name} have not ended, so nothing is final; "
            "evaluate or withdraw them first."
        )
    if not any(each.rank is not None for each in final.standings()):
        raise ConfigurationError(f"Nobody has a rank in phase {name}, so there is nothing to publish.")
    if is_published(final):
        raise ConfigurationError(f"The results of phase {name} are published already.")
    _record(final, PUBLISH_ACT, who=who, reason=reason)


def hide(final: ContestFinal, *, who: str, reason: str) -> None:
    """Let nobody see the results of a final any more.

    Raises:
        ConfigurationError: they are not published.
    """
    if not is_published(final):
        raise ConfigurationError(f"The results of phase {final.phase.name} are not published.")
    _record(final, HIDE_ACT, who=who, reason=reason)


def _record(final: ContestFinal, act: str, *, who: str, reason: str) -> None:
    final.store.add_act(
        final.competition.name, Act(who=who, act=act, subject=final.phase.name, reason=reason)
    )
