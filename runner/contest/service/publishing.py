"""Write what the web service shows of results, after entries have ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from runner.challenge.description_file import read_description
from runner.competition.phase import Phase
from runner.competition.states import EntryState
from runner.contest.board import phase_board
from runner.contest.final import Final as ContestFinal
from runner.contest.finals.publication import decisions, is_published
from runner.contest.finals.results import public_results
from runner.contest.opened import OpenContest
from runner.contest.service.snapshot import OwnResult, PhaseSnapshot, report_path, snapshot_path
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import read_stored_file, write_atomic
from runner.leaderboard.final_model import FinalResults
from runner.progress import Reporter
from runner.reports.participant import participant_report
from runner.results.summary import FIGURES
from runner.sanitize import sanitize_line
from runner.store.competition.records import CompetitionEntry
from runner.store.database import utc_now
from runner.store.paths import MAX_LOG_BYTES, EvaluationPaths
from runner.submission.limits import MAX_SUBMISSION_BYTES

_ENDED: Final = (EntryState.SCORED, EntryState.FAILED)
_SHARE: Final = 10.0
"""Times what it took last, until it is done again while entries are being evaluated."""
_LOG_BYTES: Final = 16 << 10
"""Of what each run printed, its end: a report is read whole whenever somebody looks at it."""
NOT_SHOWN: Final = "Scores of this phase are not shown, or not of entries as late as this one."


@dataclass(slots=True, kw_only=True)
class Publisher:
    """Writes the files of a competition's phases, where anything has changed."""

    contest: OpenContest
    reporter: Reporter
    report: Callable[[str], None]
    """Receives a line for what cannot be shown, once."""
    _states: dict[str, object] = field(default_factory=dict)
    """Of each phase, what its files were made from."""
    _reports: dict[int, object] = field(default_factory=dict)
    _reported: set[str] = field(default_factory=set)
    _ended: float = float("-inf")
    _seconds: float = 0.0

    def publish(self, *, sparingly: bool = False) -> None:
        """Write what has changed; what one phase lacks does not keep the others.

        Args:
            sparingly: Only where that takes a tenth of the time at most, as measured by the last time.

        Raises:
            HostNotReadyError: the store cannot be read or written.
        """
        begun = time.monotonic()
        if sparingly and begun - self._ended < _SHARE * self._seconds:
            return
        for phase in self.contest.competition.phases:
            try:
                self._phase(phase)
            except ConfigurationError as error:
                line = f"phase {phase.name}: its results are not shown: {sanitize_line(str(error))}"
                if line not in self._reported:
                    self._reported.add(line)
                    self.report(line)
        self._ended = time.monotonic()
        self._seconds = self._ended - begun

    def _phase(self, phase: Phase) -> None:
        for may_wait in (True, True, False):
            if self._written(phase, may_wait=may_wait):
                return

    def _state(self, phase: Phase) -> tuple[list[CompetitionEntry], object]:
        contest = self.contest
        entries = contest.store.competition_entries(contest.name, phase=phase.name)
        return entries, (_state_of(entries), self._state_of_final(phase))

    def _written(self, phase: Phase, *, may_wait: bool) -> bool:
        """Write a phase's snapshot unless it is as it was; return False where it has changed meanwhile.

        Args:
            phase: Of the competition.
            may_wait: Whether one that has changed is left to another attempt; else the next call replaces it.
        """
        contest = self.contest
        entries, state = self._state(phase)
        if self._states.get(phase.name) == state:
            return True
        limits = read_description(contest.folder / phase.challenges[0]).limits
        snapshot = PhaseSnapshot(
            updated=utc_now(),
            submission_bytes=limits.submission_bytes or MAX_SUBMISSION_BYTES,
            board=None,
            results={},
        )
        if phase.kind != "final":
            snapshot = self._with_results(phase, entries, snapshot)
        elif is_published(ContestFinal(contest=contest, phase=phase)):
            snapshot = snapshot.model_copy(update={"final": self._final(phase)})
        if may_wait and self._state(phase)[1] != state:  # another process may have written a newer one
            return False
        write_atomic(
            snapshot_path(contest.store_folder, phase.name), snapshot.model_dump_json(indent=1).encode()
        )
        self._states[phase.name] = state
        return True

    def _state_of_final(self, phase: Phase) -> object:
        """Return what the results of a final depend on besides its own entries."""
        if phase.final is None:
            return None
        store, name = self.contest.store, self.contest.name
        acts = decisions(ContestFinal(contest=self.contest, phase=phase))
        active = [team.name for team in store.teams(name) if team.revoked is None]
        return _state_of(store.competition_entries(name, phase=phase.final.entries_from)), acts, active

    def _final(self, phase: Phase) -> FinalResults:
        """Return the results of a final as everybody may see them."""
        return public_results(ContestFinal(contest=self.contest, phase=phase), self.reporter)

    def _with_results(
        self, phase: Phase, entries: list[CompetitionEntry], snapshot: PhaseSnapshot
    ) -> PhaseSnapshot:
        """Return a snapshot with the board and results; write the reports of entries."""
        board = phase_board(self.contest, phase, self.reporter)
        results: dict[int, OwnResult] = {}
        for team in {entry.team for entry in entries}:
            reasons, scores = board.own_results(team)
            for number, reason in reasons.items():
                results[number] = OwnResult(score=scores.get(number), reason=reason)
        visible = {each.entry for each in board.shown(board.candidates)}
        for entry in entries:
            if entry.state in _ENDED and entry.evaluation is not None:
                self._write_report(entry, with_score=entry.id in visible)
        return snapshot.model_copy(update={"board": board.for_public(), "results": results})

    def _write_report(self, entry: CompetitionEntry, *, with_score: bool) -> None:
        store, folder = self.contest.store, self.contest.store_folder
        evaluation = store.find_evaluation(entry.evaluation or "")
        if evaluation is None:
            return
        key = (evaluation.manifest_sha256, with_score)
        if self._reports.get(entry.id) == key:
            return
        paths = EvaluationPaths(folder=folder / evaluation.id)
        report = participant_report(
            evaluation=replace(evaluation, submission=entry.file_name),
            terms=store.all_terms(evaluation.id),
            runs=store.runs(evaluation.id),
            log=lambda index: _log(paths, index),
        )
        shown = {**report, "entry": entry.id}
        if not with_score:
            shown = without_scores(shown)
        write_atomic(
            report_path(folder, entry.id),
            (json.dumps(shown, indent=1, ensure_ascii=False) + "\n").encode(errors="replace"),
        )
        self._reports[entry.id] = key


def _state_of(entries: Sequence[CompetitionEntry]) -> list[object]:
    return [(entry.id, entry.team, entry.state, entry.evaluation) for entry in entries]


def without_scores(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report of an entry whose score is not shown: verdicts and times remain."""
    rest = {name: None if name in FIGURES else value for name, value in report.items()}
    if report.get("score") is not None:
        rest["no_score"] = NOT_SHOWN
    for name in ("warnings", "warning_advice"):  # some of them tell what the outputs are worth
        if name in rest:
            rest[name] = []
    return rest


def _log(paths: EvaluationPaths, index: int) -> str:
    try:
        content = read_stored_file(paths.log(index), max_bytes=MAX_LOG_BYTES)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise HostNotReadyError(f"{paths.log(index)} cannot be read: {error.strerror}.") from error
    return content[-_LOG_BYTES:].decode("utf-8", errors="replace")
