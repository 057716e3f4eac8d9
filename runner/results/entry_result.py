"""How an entry ended in a command: its evaluation's summary, under the entry's own name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.results.summary import SCHEMA_VERSION, Summary
from runner.store.entries.records import Entry, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryResult:
    """How an entry ended."""

    entry: Entry
    """As recorded when it was typed."""
    summary: Summary
    """Of its evaluation, which it may share; for a refused or held entry, with the reason alone."""
    outcome: Outcome
    same_as: Entry | None = None
    """An earlier entry with the same content."""
    evaluated_at: datetime | None = None
    """When its last run ended, if this command executed none of its runs."""

    def to_json(self) -> dict[str, Any]:
        """Return the fields of the entry, which ``unlearn run`` prints after those of the summary."""
        same = self.same_as
        return {
            "schema_version": SCHEMA_VERSION,
            "submission": self.entry.name,
            "entry": self.entry.id,
            "path": self.entry.path,
            "received": self.entry.received.isoformat(),
            "submission_sha256": self.entry.content_sha256,
            "outcome": self.outcome,
            "same_as": (
                {"entry": same.id, "submission": same.name, "received": same.received.isoformat()}
                if same is not None
                else None
            ),
            "evaluated": self.evaluated_at.isoformat() if self.evaluated_at is not None else None,
        }
