"""What an evaluation was agreed to be done under, machine by machine, as the store keeps it."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from runner.store.database import Database
from runner.store.schema import TermsRow


class TermsQueries:
    """The part of the store that keeps terms."""

    database: Database

    def agree(self, evaluation: str, machine: str, terms: dict[str, Any]) -> dict[str, Any]:
        """Keep the terms of an evaluation on a machine, unless some are kept; return those that are."""
        with self.database.writing() as session:
            row = session.get(TermsRow, (evaluation, machine))
            if row is None:
                row = TermsRow(evaluation=evaluation, machine=machine, terms=json.dumps(terms))
                session.add(row)
            kept: dict[str, Any] = json.loads(row.terms)
        return kept

    def terms(self, evaluation: str, machine: str) -> dict[str, Any] | None:
        """Return the terms of an evaluation on a machine, if there are any."""
        with self.database.reading() as session:
            row = session.get(TermsRow, (evaluation, machine))
            return json.loads(row.terms) if row is not None else None

    def all_terms(self, evaluation: str) -> list[dict[str, Any]]:
        """Return the terms of an evaluation on every machine that had a part in it."""
        with self.database.reading() as session:
            rows = session.scalars(select(TermsRow).where(TermsRow.evaluation == evaluation)).all()
            return [json.loads(row.terms) for row in rows]

    def retraining_seconds(self, evaluation: str) -> float | None:
        """Return how long retraining takes where an evaluation was done; None unless all machines agree."""
        told = {terms.get("retrain_seconds") for terms in self.all_terms(evaluation)}
        only = told.pop() if len(told) == 1 else None
        return float(only) if only is not None else None
