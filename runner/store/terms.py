"""The terms that an evaluation's runs are judged under, for each machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from runner.store.database import Database
from runner.store.records import RetrainingRecord, ShownTerms
from runner.store.schema import TermsRow


class TermsQueries:
    """The part of the store that records terms."""

    database: Database

    def agree(self, evaluation: str, machine: str, terms: dict[str, Any]) -> dict[str, Any]:
        """Record an evaluation's terms on a machine, unless some are recorded; return those in force."""
        with self.database.writing() as session:
            row = session.get(TermsRow, (evaluation, machine))
            if row is None:
                row = TermsRow(evaluation=evaluation, machine=machine, terms=json.dumps(terms))
                session.add(row)
            return _from_json(row.terms)

    def add_second_timing(self, evaluation: str, machine: str, processor_seconds: float) -> None:
        """Record in an evaluation's terms what retraining took when it was timed again, unless they have it.

        It decides no verdict, only what the runs are compared with on the score card.
        """
        with self.database.writing() as session:
            row = session.get(TermsRow, (evaluation, machine))
            if row is not None:
                terms = _from_json(row.terms)
                if terms.get("retrain_processor_seconds_again") is None:
                    row.terms = json.dumps({**terms, "retrain_processor_seconds_again": processor_seconds})

    def terms(self, evaluation: str, machine: str) -> dict[str, Any] | None:
        """Return the terms of an evaluation on a machine, if there are any."""
        with self.database.reading() as session:
            row = session.get(TermsRow, (evaluation, machine))
            return _from_json(row.terms) if row is not None else None

    def all_terms(self, evaluation: str) -> list[dict[str, Any]]:
        """Return the terms of an evaluation on every machine that took part in it, for reports."""
        with self.database.reading() as session:
            rows = session.scalars(select(TermsRow).where(TermsRow.evaluation == evaluation)).all()
            terms = [_from_json(row.terms) for row in rows]
            for item in terms:
                ShownTerms.model_validate(item)
            return terms

    def retraining(self, evaluation: str) -> RetrainingRecord:
        """Return what retraining takes where the runs were executed; nothing that machines disagree on."""
        with self.database.reading() as session:
            rows = session.scalars(select(TermsRow).where(TermsRow.evaluation == evaluation)).all()
            terms = [_from_json(row.terms) for row in rows]
        return RetrainingRecord(
            seconds=_agreed(terms, "retrain_seconds"),
            processor_seconds=_agreed(terms, "retrain_processor_seconds"),
            processor_seconds_again=_agreed(terms, "retrain_processor_seconds_again"),
            empty_run_processor_seconds=_agreed(terms, "empty_run_processor_seconds"),
            fraction=_agreed(terms, "retraining_fraction"),
        )


def _agreed(terms: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """Return the number that all machines have under a name; None if they differ or have none."""
    values = {item.get(name) for item in terms}
    value = values.pop() if len(values) == 1 else None
    return float(value) if value is not None else None


def _from_json(text: str) -> dict[str, Any]:
    """Return stored terms.

    Raises:
        ValueError: they are not an object in JSON.
    """
    terms = json.loads(text)
    if not isinstance(terms, dict):
        raise ValueError("terms are not an object")
    return terms
