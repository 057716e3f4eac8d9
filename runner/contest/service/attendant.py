"""What the evaluating process does for the web service besides: check what came, and show what has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from runner.contest.opened import OpenContest
from runner.contest.service.checker import Checker
from runner.errors import RunnerError
from runner.sanitize import sanitize_line

_LOOK_SECONDS: Final = 5.0


@contextmanager
def checking(contest: OpenContest, report: Callable[[str], None]) -> Iterator[Checker]:
    """Check received entries in a thread while the block is executed, since evaluations take long.

    Args:
        contest: The competition and its store.
        report: Receives a line for what cannot be checked.

    Yields:
        The checker, for checks at once.
    """
    checker, stop = Checker(contest=contest, report=report), threading.Event()
    reported: set[str] = set()

    def check() -> None:
        while not stop.wait(_LOOK_SECONDS):
            try:
                checker.check()
            except RunnerError as error:  # the store may work again; the block ends with such an error itself
                line = f"entries are not checked at the moment: {sanitize_line(str(error))}"
                if line not in reported:
                    reported.add(line)
                    report(line)

    thread = threading.Thread(target=check, name="check-entries", daemon=True)
    thread.start()
    try:
        yield checker
    finally:
        stop.set()
        thread.join()
