"""Find evaluations of other submissions that have the same checkpoints."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import select

from runner.store.database import Database
from runner.store.records import CopiedCheckpoints
from runner.store.schema import EvaluationRow, RunRow

_CHUNK: Final = 500
"""Values in one query: databases have a limit."""


class CopyQueries:
    """The part of the store that compares evaluations."""

    database: Database

    def copies(self, evaluation: str, digests: Collection[str]) -> list[CopiedCheckpoints]:
        """Return evaluations of other submissions on the same challenge that have some of these checkpoints.

        The evaluation with the most equal checkpoints is first; each submission is listed once.
        """
        digests_in_order = sorted(digests)
        matches: dict[tuple[str, str, str], set[str]] = {}
        with self.database.reading() as session:
            this = session.get_one(EvaluationRow, evaluation)
            for begin in range(0, len(digests_in_order), _CHUNK):
                rows = session.execute(
                    select(
                        EvaluationRow.submission_sha256,
                        EvaluationRow.id,
                        EvaluationRow.submission,
                        RunRow.checkpoint_sha256,
                    )
                    .join(RunRow, RunRow.evaluation == EvaluationRow.id)
                    .where(
                        EvaluationRow.challenge_sha256 == this.challenge_sha256,
                        EvaluationRow.submission_sha256 != this.submission_sha256,
                        EvaluationRow.parent.is_(None),
                        RunRow.checkpoint_sha256.in_(digests_in_order[begin : begin + _CHUNK]),
                    )
                    .distinct()
                )
                for submission, name, title, digest in rows:
                    matches.setdefault((submission, name, title), set()).add(digest)
        best: dict[str, CopiedCheckpoints] = {}
        for (submission, name, title), equal in sorted(
            matches.items(), key=lambda item: (-len(item[1]), item[0])
        ):
            best.setdefault(
                submission, CopiedCheckpoints(evaluation=name, submission=title, digests=frozenset(equal))
            )
        return list(best.values())
