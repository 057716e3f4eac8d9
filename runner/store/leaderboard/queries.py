"""Record and read what leaderboards need of evaluations."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Select, select

from runner.store.database import Database, as_utc, utc_now
from runner.store.leaderboard.records import StoredConditions, StoredHalves, StoredVerification
from runner.store.records import ShownTerms
from runner.store.schema import (
    ConditionsRow,
    EvaluationRow,
    HalvedMetricRow,
    HalvedScoreRow,
    TermsRow,
    VerificationRow,
)


class LeaderboardQueries:
    """The part of the store that leaderboards read, and write what they computed to."""

    database: Database

    def record_conditions(self, evaluation: str, manifest_sha256: str, conditions: StoredConditions) -> None:
        """Record the conditions that the manifest with this hash states."""
        with self.database.writing() as session:
            session.merge(
                ConditionsRow(
                    evaluation=evaluation,
                    manifest_sha256=manifest_sha256,
                    conditions=conditions.model_dump_json(),
                )
            )

    def all_conditions(self) -> dict[str, StoredConditions]:
        """Return the recorded conditions of evaluations, by the evaluation."""
        with self.database.reading() as session:
            rows = session.execute(_current(ConditionsRow)).scalars()
            return {row.evaluation: StoredConditions.model_validate_json(row.conditions) for row in rows}

    def record_halves(
        self, evaluation: str, manifest_sha256: str, halves: StoredHalves, *, seed: int, scorer: int
    ) -> None:
        """Record a score on halves.

        Args:
            evaluation: Its name.
            manifest_sha256: Of the manifest that names the outputs.
            halves: The score.
            seed: Of the random halves.
            scorer: Version of the scorer.
        """
        with self.database.writing() as session:
            session.merge(
                HalvedScoreRow(
                    evaluation=evaluation,
                    seed=seed,
                    scorer=scorer,
                    manifest_sha256=manifest_sha256,
                    value=halves.value,
                    halves=json.dumps(halves.halves),
                )
            )

    def all_halves(self, *, seed: int, scorer: int) -> dict[str, StoredHalves]:
        """Return the recorded scores on the halves of a seed, by the evaluation."""
        query = _current(HalvedScoreRow).where(HalvedScoreRow.seed == seed, HalvedScoreRow.scorer == scorer)
        with self.database.reading() as session:
            return {
                row.evaluation: StoredHalves.model_validate(
                    {"value": row.value, "halves": json.loads(row.halves)}
                )
                for row in session.execute(query).scalars()
            }

    def record_halved_metric(
        self,
        evaluation: str,
        manifest_sha256: str,
        halves: StoredHalves,
        *,
        metric: str,
        seed: int,
        scorer: int,
    ) -> None:
        """Record an entry of a score card on halves.

        Args:
            evaluation: Its name.
            manifest_sha256: Of the manifest that names the outputs.
            halves: The entry.
            metric: Fields of the card, with dots between.
            seed: Of the random halves.
            scorer: Version of the score card.
        """
        with self.database.writing() as session:
            session.merge(
                HalvedMetricRow(
                    evaluation=evaluation,
                    metric=metric,
                    seed=seed,
                    scorer=scorer,
                    manifest_sha256=manifest_sha256,
                    value=halves.value,
                    halves=json.dumps(halves.halves),
                )
            )

    def all_halved_metrics(self, *, metric: str, seed: int, scorer: int) -> dict[str, StoredHalves]:
        """Return the recorded values of an entry on the halves of a seed, by the evaluation."""
        row = HalvedMetricRow
        query = _current(row).where(row.metric == metric, row.seed == seed, row.scorer == scorer)
        with self.database.reading() as session:
            return {
                row.evaluation: StoredHalves.model_validate(
                    {"value": row.value, "halves": json.loads(row.halves)}
                )
                for row in session.execute(query).scalars()
            }

    def record_verification(
        self, evaluation: str, manifest_sha256: str | None, *, reruns: int, mismatches: int
    ) -> None:
        """Record that an evaluation was verified now; nothing of one without a recorded manifest."""
        if manifest_sha256 is None:
            return
        with self.database.writing() as session:
            session.merge(
                VerificationRow(
                    evaluation=evaluation,
                    manifest_sha256=manifest_sha256,
                    verified_at=utc_now(),
                    reruns=reruns,
                    mismatches=mismatches,
                )
            )

    def all_verifications(self) -> dict[str, StoredVerification]:
        """Return the last verification of evaluations, by the evaluation."""
        with self.database.reading() as session:
            return {
                row.evaluation: StoredVerification(
                    verified_at=as_utc(row.verified_at), reruns=row.reruns, mismatches=row.mismatches
                )
                for row in session.execute(_current(VerificationRow)).scalars()
            }

    def terms_by_evaluation(self) -> dict[str, list[ShownTerms]]:
        """Return the terms of all evaluations on every machine, by the evaluation."""
        terms: dict[str, list[ShownTerms]] = {}
        with self.database.reading() as session:
            # Databases order text by their locale.
            for row in sorted(session.scalars(select(TermsRow)), key=lambda row: row.machine):
                terms.setdefault(row.evaluation, []).append(ShownTerms.model_validate_json(row.terms))
        return terms


def _current(table: Any) -> Select[Any]:  # noqa: ANN401 - a table with these two columns
    """Return the query for the rows of a table that belong to the present manifest of their evaluation."""
    return select(table).join(
        EvaluationRow,
        (EvaluationRow.id == table.evaluation) & (EvaluationRow.manifest_sha256 == table.manifest_sha256),
    )
