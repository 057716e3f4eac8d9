"""Score stored outputs of entries again, as the worker evaluates others; no container runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.competition.phase import Phase
from runner.contest.evaluator import EntryEvaluator
from runner.contest.host import require_score_version
from runner.contest.queue import challenge_sha256
from runner.errors import ConfigurationError
from runner.results.rescore import rescore
from runner.results.summary import Summary
from runner.store.competition.records import CompetitionEntry
from runner.store.paths import rescored_evaluation_id
from runner.store.store import Store
from runner.submission.load import Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rescorer:
    """Scores the outputs of one entry's evaluation again."""

    store: Store
    folder: Path
    challenge: Challenge
    executed: str
    """The evaluation that was executed."""
    number: int
    """Of the rejudging."""

    def evaluation(self, _submission: Submission) -> str:
        return rescored_evaluation_id(self.executed, self.challenge.sha256, self.number)

    def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> Summary:
        before_scoring()
        return rescore(
            self.store,
            self.folder,
            self.executed,
            submission=submission,
            challenge=self.challenge,
            number=self.number,
        )


@dataclass(slots=True, kw_only=True)
class Rescoring:
    """Opens what scores entries again; the challenge of the last one is kept."""

    store: Store
    folder: Path
    """Of the store."""
    competition_folder: Path
    _loaded: tuple[str, str | None] | None = None
    _challenge: Challenge | None = field(default=None, repr=False)

    def rescorer(self, phase: Phase, entry: CompetitionEntry) -> EntryEvaluator:
        """Return what scores the outputs of an entry again.

        Args:
            phase: Of the entry.
            entry: One of a rejudging.

        Raises:
            ConfigurationError: the challenge cannot be used, or the entry is none that is scored again.
            UnmetRequirementError: the phase states another version of the score.
        """
        require_score_version(phase)
        if entry.rescores is None or entry.batch is None:
            raise ConfigurationError(f"Entry {entry.id} is none that is scored again.")
        folder = self.competition_folder / entry.challenge
        key = (entry.challenge, challenge_sha256(folder))
        if self._challenge is None or self._loaded != key:
            self._challenge, self._loaded = load_challenge(folder), key
        return _Rescorer(
            store=self.store,
            folder=self.folder,
            challenge=self._challenge,
            executed=entry.rescores,
            number=entry.batch,
        )
