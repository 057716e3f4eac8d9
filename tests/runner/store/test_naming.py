"""An evaluation is named by the beginning of its name, a submission's name or path, or `last`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.errors import ConfigurationError
from runner.store.entries.naming import resolve_name
from runner.store.entries.records import Entry

FIRST, SECOND, THIRD = "0123456789ab", "01ffffffffff", "fadefadefade"
EVALUATIONS = {FIRST: "mine", SECOND: "mine", THIRD: "yours"}


def entry(
    number: int, evaluation: str | None, name: str, path: str, folder: str | None = "/home/me"
) -> Entry:
    return Entry(
        id=number,
        command="c",
        received=datetime(2026, 1, 1, tzinfo=UTC),
        name=name,
        path=path,
        folder=folder,
        content_sha256="a" * 64,
        challenge="digits",
        challenge_sha256="b" * 64,
        n=2,
        evaluation=evaluation,
    )


ENTRIES = [
    entry(1, FIRST, "mine", "code/mine"),
    entry(2, SECOND, "mine", "code/mine/"),
    entry(3, THIRD, "yours", "/tmp/yours.zip", None),
    entry(4, FIRST, "copy", "code/copy.py"),
    entry(5, None, "refused", "code/refused.txt"),
]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (FIRST, FIRST),
        ("012", FIRST),
        ("fa", THIRD),
        ("mine", SECOND),
        ("yours", THIRD),
        ("/home/me/code/mine", SECOND),
        ("/home/me/code/../code/mine", SECOND),
        ("/tmp/yours.zip", THIRD),
        ("/home/me/code/copy.py", FIRST),
        ("copy", FIRST),
        ("last", FIRST),
    ],
)
def test_a_word_names_an_evaluation(word: str, expected: str) -> None:
    """The one that was typed last, where several submissions have the name or the path."""
    assert resolve_name(word, EVALUATIONS, ENTRIES) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("01", "2 evaluations begin with"),
        ("refused", "no submission has this name or path"),
        ("%", "No evaluation begins with"),
        ("/home/you/code/mine", "No evaluation begins with"),
    ],
)
def test_a_word_that_names_none_or_several_is_refused(word: str, message: str) -> None:
    """With what is wrong, and the command that lists evaluations."""
    with pytest.raises(ConfigurationError, match=message) as error:
        resolve_name(word, EVALUATIONS, ENTRIES)
    assert "unlearn list" in str(error.value)


def test_a_submission_cannot_take_the_name_of_an_evaluation() -> None:
    """A whole name is the evaluation's; a beginning that is a submission's name too is refused."""
    evaluations = {**EVALUATIONS, "abcabcabcabc": FIRST, "aaaaaaaaaaaa": "fade"}
    assert resolve_name(FIRST, evaluations, []) == FIRST
    with pytest.raises(ConfigurationError, match="write more of the evaluation's name"):
        resolve_name("fade", evaluations, [])


def test_the_last_evaluation_of_a_store_without_entries_began_last() -> None:
    """As in stores of earlier versions."""
    assert resolve_name("last", EVALUATIONS, []) == THIRD
    with pytest.raises(ConfigurationError, match="No evaluation begins"):
        resolve_name("last", {}, [])


@pytest.mark.parametrize("word", [".", "./", ".."])
def test_a_folder_of_its_own_is_no_name(word: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It names what was typed in this folder, and nothing that was typed as `.` in another."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="No evaluation begins with"):
        resolve_name(word, EVALUATIONS, [entry(1, FIRST, "mine", word)])
    here = entry(1, FIRST, "mine", word, str(tmp_path))
    assert resolve_name(word, EVALUATIONS, [here]) == FIRST
