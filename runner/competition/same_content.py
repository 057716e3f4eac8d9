"""Which entries have the content of an earlier one: told to organizers, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol, TypeVar

from runner.competition.states import EntryState


class _Entry(Protocol):
    @property
    def id(self) -> int: ...

    @property
    def received(self) -> datetime: ...

    @property
    def state(self) -> EntryState: ...

    @property
    def archive_sha256(self) -> str | None: ...

    @property
    def source(self) -> int | None: ...


Entry = TypeVar("Entry", bound=_Entry)


def same_content(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Yield each entry whose content another had before, with the first that had it, by the order of receipt.

    What is judged again has the content of the entry that it stands for, and a file that is no submission has
    none that could be copied; both are left out.

    Args:
        entries: Of one phase.
    """
    first: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda each: (each.received, each.id)):
        if entry.archive_sha256 is None or entry.source is not None or entry.state is EntryState.REFUSED:
            continue
        earlier = first.setdefault(entry.archive_sha256, entry)
        if earlier is not entry:
            yield entry, earlier
