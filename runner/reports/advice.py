"""What to do about frequent failures: one line for the verdict's sentence, or for a warning.

``docs/participants.md`` has the same table: `table` renders it, and a test compares the two. A sentence
contains untrusted text. It is only searched here, and the answer is always one of the lines below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from runner.reports.mistakes import MISTAKES, WARNING
from runner.wording import first_of, noun_for

if TYPE_CHECKING:  # it imports pydantic, which `unlearn list` does without
    from runner.store.records import RunRecord

_SEARCHED_CHARACTERS: Final = 2000
_REASON: Final = re.compile(r"run \d+ ended as [a-z-]+ \((.*)\)", re.DOTALL)
"""As `runner.results.summarize.failure_reason` writes it."""


def advice(sentence: str) -> str:
    """Return what to do about a verdict's sentence; empty if it is none of the frequent mistakes."""
    return _search(sentence, warnings=False)


def advice_on_warning(sentence: str) -> str:
    """Return what to do about a warning; empty if nothing is known."""
    return _search(sentence, warnings=True)


def advice_on_reason(reason: str) -> str:
    """Return what to do about the reason for which an evaluation has no score."""
    failure = _REASON.search(reason)
    return advice(failure[1]) if failure is not None else ""


def advice_on_runs(runs: Sequence[RunRecord]) -> Iterator[str]:
    """Yield a line for each advice that some runs need, with the numbers of up to three of these runs."""
    indices: dict[str, list[str]] = {}
    for run in runs:
        if line := advice(run.detail):
            indices.setdefault(line, []).append(str(run.index))
    for line, numbers in indices.items():
        yield f"{noun_for(len(numbers), 'run')} {first_of(numbers, 3)}: {line}"


def table() -> str:
    """Return all mistakes as the table of ``docs/participants.md``."""
    rows = [f"| `{item.verdict}`: `{item.example}` | {item.remedy} |" for item in MISTAKES]
    return "\n".join(["| message | cause and remedy |", "|---|---|", *rows]) + "\n"


def _search(sentence: str, *, warnings: bool) -> str:
    text = " ".join(sentence[:_SEARCHED_CHARACTERS].split())
    for mistake in MISTAKES:
        if (mistake.verdict == WARNING) == warnings and re.search(mistake.pattern, text):
            return mistake.line
    return ""
