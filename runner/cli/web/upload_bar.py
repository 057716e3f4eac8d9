"""The progress bar of an upload, where stderr is a terminal that can draw one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn


@contextmanager
def upload_bar(console: Console, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Draw a bar while the block is executed; it leaves nothing behind.

    Args:
        console: On stderr.
        total_bytes: Of the upload.

    Yields:
        Receives how many bytes were sent so far; less than before where the upload begins again.
    """
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    can_draw = console.is_interactive and not console.is_dumb_terminal
    with Progress(*columns, console=console, transient=True, disable=not can_draw) as bar:
        task = bar.add_task("", total=total_bytes)
        yield lambda sent_bytes: bar.update(task, completed=sent_bytes)
