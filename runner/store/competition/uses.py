"""What of a store is used outside one competition: by others, and by evaluations of other commands."""

from __future__ import annotations

from sqlalchemy import or_, select

from runner.store.competition.schema import CompetitionEntryRow
from runner.store.database import Database
from runner.store.schema import EntryRow, EvaluationRow


class UseQueries:
    """The part of the store that tells who uses a file."""

    database: Database

    def evaluations_used_elsewhere(self, competition: str) -> frozenset[str]:
        """Return the evaluations that entries of other competitions, or of other commands, have."""
        others = select(CompetitionEntryRow.evaluation).where(
            CompetitionEntryRow.competition != competition, CompetitionEntryRow.evaluation.is_not(None)
        )
        with self.database.reading() as session:
            names = {*session.scalars(others), *session.scalars(select(EntryRow.evaluation))}
        return frozenset(name for name in names if name is not None)

    def archives_used_elsewhere(self, competition: str) -> frozenset[str]:
        """Return the hashes of archives that anything else than entries of a competition has.

        These are entries of other competitions and of other commands, and evaluations that no entry of the
        competition has.
        """
        entry = CompetitionEntryRow
        own = select(entry.evaluation).where(entry.competition == competition, entry.evaluation.is_not(None))
        with self.database.reading() as session:
            hashes = {
                *session.scalars(select(entry.archive_sha256).where(entry.competition != competition)),
                *session.scalars(select(EntryRow.content_sha256)),
                *session.scalars(
                    select(EvaluationRow.submission_sha256).where(
                        EvaluationRow.id.not_in(own),
                        or_(EvaluationRow.parent.is_(None), EvaluationRow.parent.not_in(own)),
                    )
                ),
            }
        return frozenset(each for each in hashes if each is not None)
