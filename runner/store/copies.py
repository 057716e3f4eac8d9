"""Which evaluations have the same checkpoints, as the store knows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import select

from runner.store.database import Database
from runner.store.records import CopiedCheckpoints
from runner.store.schema import EvaluationRow, RunRow

_AT_ONCE: Final = 500
"""Values in one question: databases have a limit."""


class CopyQueries:
    """The part of the store that compares evaluations."""

    database: Database

    def copies(self, evaluation: str, digests: Collection[str]) -> list[CopiedCheckpoints]:
        """Return which evaluations of other submissions on the same challenge have these checkpoints.

        The one with the most comes first; only one evaluation is named of each submission.
        """
        wanted = sorted(digests)
        found: dict[tuple[str, str, str], set[str]] = {}
        with self.database.reading() as session:
            mine = session.get_one(EvaluationRow, evaluation)
            for begin in range(0, len(wanted), _AT_ONCE):
                rows = session.execute(
                    select(
                        EvaluationRow.submission_sha256,
                        EvaluationRow.id,
                        EvaluationRow.submission,
                        RunRow.checkpoint_sha256,
                    )
                    .join(RunRow, RunRow.evaluation == EvaluationRow.id)
                    .where(
                        EvaluationRow.challenge_sha256 == mine.challenge_sha256,
                        EvaluationRow.submission_sha256 != mine.submission_sha256,
                        RunRow.checkpoint_sha256.in_(wanted[begin : begin + _AT_ONCE]),
                    )
                    .distinct()
                )
                for submission, name, title, digest in rows:
                    found.setdefault((submission, name, title), set()).add(digest)
        best: dict[str, CopiedCheckpoints] = {}
        for (submission, name, title), equal in sorted(found.items(), key=lambda one: (-len(one[1]), one[0])):
            best.setdefault(
                submission, CopiedCheckpoints(evaluation=name, submission=title, digests=frozenset(equal))
            )
        return list(best.values())
