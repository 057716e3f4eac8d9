"""Which entries have the content of an earlier one: told to organizers, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runner.competition.states import EntryState
from runner.store.competition.records import CompetitionEntry


@dataclass(frozen=True, slots=True)
class SameContent:
    """An entry, and the first one of the same content."""

    entry: CompetitionEntry
    first: CompetitionEntry


def same_content(entries: Iterable[CompetitionEntry]) -> Iterator[SameContent]:
    """Yield each entry whose content another had before, by the order of receipt.

    What is judged again has the content of the entry that it stands for, and a file that is no submission has
    none that could be copied; both are left out.

    Args:
        entries: Of one phase.
    """
    first: dict[str, CompetitionEntry] = {}
    for entry in sorted(entries, key=lambda each: (each.received, each.id)):
        if entry.archive_sha256 is None or entry.source is not None or entry.state is EntryState.REFUSED:
            continue
        earlier = first.setdefault(entry.archive_sha256, entry)
        if earlier is not entry:
            yield SameContent(entry, earlier)
