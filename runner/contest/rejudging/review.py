"""Judge entries of a phase again: which may be, and old and new results side by side."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from runner.competition.phase import Phase
from runner.competition.states import EntryState
from runner.contest.final import Final
from runner.contest.opened import OpenContest
from runner.errors import ConfigurationError
from runner.store.competition.records import CompetitionEntry
from runner.store.paths import EvaluationPaths, archive_path
from runner.verdict import Verdict
from runner.wording import quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejudged:
    """An entry before and after."""

    old: CompetitionEntry
    new: CompetitionEntry
    old_score: float | None
    new_score: float | None
    raised: tuple[str, ...] = ()
    """Kinds of flags that only the new result has."""
    dropped: tuple[str, ...] = ()
    """Kinds of flags that only the old result has."""

    @property
    def is_same_evaluation(self) -> bool:
        """Return whether nothing had changed: code, challenge, image and settings are what they were."""
        return self.new.evaluation is not None and self.new.evaluation == self.old.evaluation


def selected_entries(
    contest: OpenContest,
    phase: Phase,
    numbers: Collection[int],
    *,
    rescore: bool = False,
    note: Callable[[str], object] = lambda _sentence: None,
) -> list[int]:
    """Return the entries that are to be judged again: the named ones, or all of the phase that have ended.

    Entries whose files were removed cannot be judged again, and are left out.

    Args:
        contest: The competition and its store.
        phase: Of the competition.
        numbers: Of entries; empty for all.
        rescore: Whether stored outputs are scored again: entries with a failed run have nothing to score.
        note: Receives a sentence about entries that are left out.

    Raises:
        ConfigurationError: the phase is a final, or one that has been queued takes its entries, or a named
            entry is of another phase, or there is none.
    """
    require_no_final(contest, phase)
    entries = contest.store.competition_entries(
        contest.name, phase=phase.name, states=[EntryState.SCORED, EntryState.FAILED]
    )
    if rescore:
        whole = _evaluations_without_failed_runs(contest)
        entries = [entry for entry in entries if entry.evaluation in whole]
    gone = {entry.id for entry in entries if not _has_files(contest, entry, outputs=rescore)}
    if named := sorted(gone & set(numbers)):
        raise ConfigurationError(
            f"The files of entry {named[0]} were removed, so it cannot be judged again; restore them first."
        )
    if gone and not numbers:
        left = quantity(len(gone), "entry is", "entries are")
        note(f"{left} left out, because files were removed: {', '.join(map(str, sorted(gone)))}")
    known = {entry.id for entry in entries} - gone
    if strange := sorted(set(numbers) - known):
        raise ConfigurationError(
            f"Entry {strange[0]} is none of phase {phase.name} that "
            + (
                "has outputs of all runs; --rerun executes it again."
                if rescore
                else "is scored or has failed."
            )
        )
    if not known:
        raise ConfigurationError(
            f"No entry of phase {phase.name} has {'outputs' if rescore else 'ended'} yet."
        )
    return sorted(numbers or known)


def _has_files(contest: OpenContest, entry: CompetitionEntry, *, outputs: bool) -> bool:
    """Return whether the archive of an entry is there, and the outputs of its evaluation where they count."""
    folder = contest.store_folder
    if entry.archive_sha256 is None or not archive_path(folder, entry.archive_sha256).is_file():
        return False
    place = EvaluationPaths(folder=folder / (entry.evaluation or "")).outputs(0).parent
    return not outputs or (place.is_dir() and any(place.iterdir()))


def _evaluations_without_failed_runs(contest: OpenContest) -> set[str]:
    return {
        stored.id
        for stored in contest.store.evaluations()
        if stored.summary is not None and set(stored.summary.get("verdicts", {})) == {str(Verdict.OK)}
    }


def require_no_final(contest: OpenContest, phase: Phase) -> None:
    """Require that no final has the entries of a phase already.

    Raises:
        ConfigurationError: it is a final itself, or such a final has been queued.
    """
    if phase.kind == "final":
        raise ConfigurationError(f"Phase {phase.name} is a final, and is not judged again.")
    for other in contest.competition.phases:
        if other.final is None or other.final.entries_from != phase.name:
            continue
        if Final(contest=contest, phase=other).is_queued:
            raise ConfigurationError(f"The final {other.name} has the entries of phase {phase.name} already.")


def rejudged(contest: OpenContest, batch: int) -> list[Rejudged]:
    """Return old and new results of a batch.

    Raises:
        ConfigurationError: there is no such batch.
    """
    pairs = contest.store.rejudging(contest.name, batch)
    summaries = {
        stored.id: stored.summary for stored in contest.store.evaluations() if stored.summary is not None
    }

    def result(entry: CompetitionEntry) -> Mapping[str, Any]:
        has_score = entry.state in (EntryState.SCORED, EntryState.SUPERSEDED)
        return summaries.get(entry.evaluation or "", {}) if has_score else {}

    return [_pair(old, new, result(old), result(new)) for old, new in pairs]


def _pair(
    old: CompetitionEntry, new: CompetitionEntry, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Rejudged:
    flags_before, flags_after = (dict.fromkeys(result.get("flags", ())) for result in (before, after))
    return Rejudged(
        old=old,
        new=new,
        old_score=before.get("score"),
        new_score=after.get("score"),
        raised=tuple(flag for flag in flags_after if before and flag not in flags_before),
        dropped=tuple(flag for flag in flags_before if after and flag not in flags_after),
    )
