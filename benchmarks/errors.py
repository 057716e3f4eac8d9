"""Errors of the project as a benchmark shows them: one sentence and the exit code, as `unlearn` does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from runner.errors import RunnerError


@contextmanager
def errors_as_sentences() -> Iterator[None]:
    """Print an error of the project, such as a missing challenge, on stderr and exit with its code."""
    try:
        yield
    except RunnerError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
