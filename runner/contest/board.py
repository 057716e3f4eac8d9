"""What is shown of a phase: to organizers every entry, to everybody the best of each team, by the policy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePath
from typing import Final

from runner.challenge.description import parse_description
from runner.challenge.layout import DESCRIPTION_BYTES, DESCRIPTION_FILE
from runner.challenge.load import load_challenge
from runner.competition.competition import Competition
from runner.competition.phase import Phase
from runner.competition.states import EntryState
from runner.contest.audience import anonymous_name, frozen_remarks
from runner.contest.opened import OpenContest
from runner.errors import ConfigurationError
from runner.files import read_stored_file
from runner.leaderboard.audience import visible_board
from runner.leaderboard.board import make_board, validity
from runner.leaderboard.candidates import Candidate, Status
from runner.leaderboard.model import Board
from runner.leaderboard.stored.halves import halving_seed
from runner.leaderboard.stored.rows import ChallengeSource, stored_candidates
from runner.progress import Reporter
from runner.store.competition.records import CompetitionEntry
from runner.store.entries.records import Entry, Outcome

_OUTCOMES: Final = {
    EntryState.REFUSED: Outcome.REFUSED,
    EntryState.HELD: Outcome.HELD,
    EntryState.SCORED: Outcome.SCORED,
    EntryState.FAILED: Outcome.FAILED,
}
_ENDED: Final = (EntryState.SCORED, EntryState.FAILED)
_OUTSIDE: Final[dict[EntryState, Status]] = {
    EntryState.WITHDRAWN: "withdrawn",
    EntryState.DISQUALIFIED: "disqualified",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseBoard:
    """The candidates of a phase that is no final, and the boards that are made from them."""

    competition: Competition
    phase: Phase
    candidates: Sequence[Candidate]
    """One for each entry."""
    secret: str
    """From which anonymous names follow."""

    @property
    def freezes(self) -> datetime | None:
        """Return the moment from which entries change nothing that participants see."""
        return self.competition.freezes(self.phase)

    def for_organizers(self) -> Board:
        """Return the board of all entries, with true names."""
        return make_board(self.candidates, challenge=self._title())

    def for_public(self, team: str | None = None) -> Board:
        """Return the board that everybody may see: the best entry of each team that has a rank.

        Args:
            team: For whom it is; its own name is shown on an anonymous board too.
        """
        shown = best_of_teams(self.shown(self.candidates))
        if self.phase.leaderboard.names == "anonymous":
            shown = [each if each.team == team else self._anonymous(each) for each in shown]
        return visible_board(make_board(shown, challenge=self._title()), "public")

    def shown(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Return the candidates whose scores participants may see."""
        if not self.phase.leaderboard.shown:
            return []
        return [
            each
            for each in candidates
            if validity(each)[0] == "scored" and (self.freezes is None or each.received < self.freezes)
        ]

    def own_results(self, team: str) -> tuple[dict[int, str], dict[int, float]]:
        """Return what a team may see of its own entries that have ended, by their numbers.

        Returns:
            Verdicts of those that have no score, without a text that a run could have written; and the
            scores that participants may see.
        """
        own = [each for each in self.candidates if each.team == team]
        visible = {each.entry for each in self.shown(own)}
        rows = visible_board(make_board(own, challenge=""), "public").all_rows()
        reasons = {row.entry: row.reason for row in rows if row.entry is not None}
        scores = {
            row.entry: row.score
            for row in rows
            if row.entry is not None and row.entry in visible and row.score is not None
        }
        return reasons, scores

    def remarks(self, now: datetime) -> list[str]:
        """Return sentences on what this board leaves out for participants."""
        return frozen_remarks(self.competition, self.phase, now)

    def _title(self) -> str:
        return f"{self.competition.name}: {self.phase.name}"

    def _anonymous(self, candidate: Candidate) -> Candidate:
        name = anonymous_name(self.secret, candidate.team or "")
        return replace(candidate, team=name, submission=candidate.id)


def best_of_teams(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the best candidate of each team, of equal ones the earlier; all of them have a score."""
    best: dict[str, Candidate] = {}
    for each in sorted(candidates, key=lambda item: (item.received, item.entry or 0)):
        team, score = each.team or "", each.figures.score
        assert score is not None, "only valid scores are compared"
        before = best.get(team)
        if before is None or score > (before.figures.score or 0.0):
            best[team] = each
    return list(best.values())


def phase_board(contest: OpenContest, phase: Phase, reporter: Reporter) -> PhaseBoard:
    """Return the board of a phase; what is compared is computed once and stored.

    Args:
        contest: The competition and its store.
        phase: Of the competition, and no final.
        reporter: Receives the progress.

    Raises:
        ConfigurationError: the phase is a final, or its challenge cannot be read.
        HostNotReadyError: the store cannot be read or written.
    """
    if phase.kind == "final":
        raise ConfigurationError(f"Phase {phase.name} is a final; see: unlearn competition final")
    store, competition = contest.store, contest.competition
    source, name, sha256 = challenge_source(contest.folder / phase.challenges[0])
    entries = [
        entry
        for entry in store.competition_entries(competition.name, phase=phase.name)
        if entry.state is not EntryState.SUPERSEDED
    ]
    names = shown_names(entries)
    named = {entry.evaluation for entry in entries if entry.evaluation is not None}
    evaluations = [stored for stored in store.evaluations() if stored.id in named]
    candidates = stored_candidates(
        store,
        contest.store_folder,
        evaluations,
        [_as_stored(entry, phase, name, sha256, shown_name=names[entry.id]) for entry in entries],
        baselines=(),
        sources={sha256: source},
        reporter=reporter,
    )
    by_id = {entry.id: entry for entry in entries}
    return PhaseBoard(
        competition=competition,
        phase=phase,
        candidates=[_with_state(each, by_id[each.entry]) for each in candidates if each.entry is not None],
        secret=store.competition_secret(competition.name),
    )


def challenge_source(folder: Path) -> tuple[ChallengeSource, str, str]:
    """Return a challenge, its name and its hash, from its description alone.

    Raises:
        ConfigurationError: it cannot be read.
    """
    file = folder / DESCRIPTION_FILE
    try:
        text = read_stored_file(file, max_bytes=DESCRIPTION_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}.") from error
    description = parse_description(file, text)
    source = ChallengeSource(seed=halving_seed(description), load=lambda: load_challenge(folder))
    return source, description.name, hashlib.sha256(text).hexdigest()


def shown_names(entries: Iterable[CompetitionEntry]) -> dict[int, str]:
    """Return how each entry is called on a board: its file without the ending, unless its team has another.

    `mine.py` and `mine.zip` of one team keep their endings, or their rows could not be told apart.
    """
    endings: dict[tuple[str, str], set[str]] = {}
    entries = list(entries)
    for entry in entries:
        name = PurePath(entry.file_name)
        endings.setdefault((entry.team, name.stem), set()).add(name.suffix)
    return {
        entry.id: entry.file_name
        if len(endings[entry.team, PurePath(entry.file_name).stem]) > 1
        else PurePath(entry.file_name).stem or entry.file_name
        for entry in entries
    }


def _as_stored(
    entry: CompetitionEntry, phase: Phase, challenge: str, challenge_sha256: str, *, shown_name: str
) -> Entry:
    """Return an entry as leaderboards take it."""
    return Entry(
        id=entry.id,
        command="",
        received=entry.received,
        name=shown_name,
        path=None,
        folder=None,
        content_sha256=entry.archive_sha256,
        challenge=challenge,
        challenge_sha256=challenge_sha256,
        n=phase.runs,
        evaluation=entry.evaluation,
        outcome=_OUTCOMES.get(entry.state),
        reason=entry.reason,
        team=entry.team,
    )


def _with_state(candidate: Candidate, entry: CompetitionEntry) -> Candidate:
    """Return a candidate whose status is that of its entry: an evaluation may be another team's too."""
    if entry.state in _OUTSIDE:
        return replace(candidate, status=_OUTSIDE[entry.state], reason=entry.reason or "")
    if entry.state in _ENDED or entry.state in (EntryState.REFUSED, EntryState.HELD):
        return candidate
    return replace(candidate, status="unfinished", reason=entry.reason or str(entry.state))
