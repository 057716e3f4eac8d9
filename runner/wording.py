"""Numbers and lists in sentences: a noun in the right number, and the first of many names."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice


def quantity(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 run``, ``2 runs``.

    Args:
        number: Zero or more.
        noun: In the singular.
        plural: Where it is not the singular with an s.
    """
    return f"{number} {noun_for(number, noun, plural)}"


def noun_for(number: int, noun: str, plural: str | None = None) -> str:
    """Return a noun in the form that goes with a number; the arguments are those of `quantity`."""
    return noun if number == 1 else plural or f"{noun}s"


def first_of(words: Collection[object], most: int) -> str:
    """Return the first words and how many more there are: ``a, b and 3 more``; empty without any.

    Args:
        words: In the order in which they are shown.
        most: How many are shown, 1 or more.
    """
    shown = ", ".join(map(str, islice(words, most)))
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown
