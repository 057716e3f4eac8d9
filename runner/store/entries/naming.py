"""Find the evaluation that a word names: its own name, a submission's name or path, or ``last``.

A whole name of an evaluation always names that one, whatever submissions are called.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

from runner.errors import ConfigurationError
from runner.store.entries.records import Entry

LAST: Final = "last"


def resolve_name(
    word: str, evaluations: Mapping[str, str], entries: Sequence[Entry], *, by_entry: bool = True
) -> str:
    """Return the name of the evaluation that a word names.

    Of several evaluations of submissions with that name or path it is the one that was typed last.

    Args:
        word: The beginning of an evaluation's name, a submission's name or path, or ``last``.
        evaluations: The submissions' names by the evaluations' names, the oldest first.
        entries: The oldest first.
        by_entry: Whether it may be ``last``, or the name or path of a submission.

    Raises:
        ConfigurationError: the word is empty, names none, or begins the name of one and is a submission's.
    """
    if not word.strip():
        raise ConfigurationError("The name of an evaluation is empty; see: unlearn list")
    if word in evaluations:
        return word
    typed = [entry for entry in entries if entry.evaluation in evaluations]
    if word == LAST and evaluations and by_entry:
        return (typed[-1].evaluation if typed else None) or list(evaluations)[-1]
    begun = [name for name in evaluations if name.startswith(word)]
    called = _called(word, evaluations, typed) if by_entry else None
    if begun and called is not None and begun != [called]:
        raise ConfigurationError(
            f"{word!r} is the name of a submission (evaluation {called}) and begins the name of evaluation "
            f"{begun[0]}; write more of the evaluation's name."
        )
    if called is not None:
        return called
    if len(begun) != 1:
        how_many = (
            f"{len(begun)} evaluations begin with {word!r}"
            if begun
            else f"No evaluation begins with {word!r}"
            + (", and no submission has this name or path" if by_entry else "")
        )
        raise ConfigurationError(f"{how_many}; see: unlearn list")
    return begun[0]


def _called(word: str, evaluations: Mapping[str, str], typed: Sequence[Entry]) -> str | None:
    """Return the newest evaluation of a submission with this name or path."""
    path = _absolute(word, None)
    names_anything = word.strip("./") != ""  # `.` is another folder wherever it is typed
    for entry in reversed(typed):
        typed_path = entry.path is not None and path in (entry.path, _absolute(entry.path, entry.folder))
        if typed_path or word == entry.name or (word == entry.path and names_anything):
            return entry.evaluation
    return next(
        (name for name, submission in reversed(list(evaluations.items())) if submission == word), None
    )


def _absolute(path: str, folder: str | None) -> str:
    return os.path.abspath(os.path.join(folder or "", path))  # noqa: PTH100, PTH118 - resolve() follows links
