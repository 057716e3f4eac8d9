"""Wait for changes of submissions, for `unlearn check --watch`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from runner.cli.console import print_note


def changes_of(paths: Sequence[Path]) -> Iterator[set[Any]]:
    """Yield whenever a file of a submission has changed, until the command is interrupted.

    A file is watched through its folder, because editors replace a file in place of writing to it.
    """
    from watchfiles import DefaultFilter, watch  # noqa: PLC0415 - here only

    absolute = [path.absolute() for path in paths]
    folders = {path if path.is_dir() else path.parent for path in absolute}
    default = DefaultFilter()

    def is_watched(change: Any, name: str) -> bool:  # noqa: ANN401 - watchfiles' own enumeration
        return default(change, name) and is_part_of(Path(name), absolute)

    print_note("watching for changes; Ctrl-C ends this")
    yield from watch(*folders, watch_filter=is_watched, raise_interrupt=True)


def is_part_of(file: Path, submissions: Sequence[Path]) -> bool:
    """Return whether a file is one of the submissions, or lies in one."""
    return any(file == submission or submission in file.parents for submission in submissions)
