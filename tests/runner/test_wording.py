"""Numbers and lists in sentences."""

from __future__ import annotations

import pytest

from runner.wording import first_of, noun_for, quantity


@pytest.mark.parametrize(
    ("number", "plural", "text"),
    [(0, None, "0 class"), (1, None, "1 class"), (1, "classes", "1 class"), (2, "classes", "2 classes")],
)
def test_a_noun_goes_with_its_number(number: int, plural: str | None, text: str) -> None:
    """Only one is singular, and a plural that is no singular with an s is given."""
    assert quantity(number, "class", plural) == (f"{text}s" if number == 0 else text)
    assert noun_for(number, "class", plural) == quantity(number, "class", plural).split()[1]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["a", "b", "c"], "a, b and 1 more"),
        ((3, 1, 4, 1, 5), "3, 1 and 3 more"),
        (dict.fromkeys("abca"), "a, b and 1 more"),
    ],
)
def test_of_many_words_the_first_are_shown(words: list[str], text: str) -> None:
    """The rest is a number, which appears only where something is left out."""
    assert first_of(words, 2) == text
