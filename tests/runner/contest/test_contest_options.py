"""What is typed to the commands of a competition: reasons, names and numbers that cannot be stored."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from runner.cli.main import run_words
from runner.errors import ConfigurationError
from runner.store.open_store import open_store
from tests.runner.contest.conftest import NAME, Contest

TOO_LARGE = 2**63
_REASONED = [
    ("withdraw", 1),
    ("disqualify", 1),
    ("admit", 1),
    ("pause",),
    ("team revoke", "alpha"),
    ("rejudge start", "--phase", "feedback"),
    ("rejudge apply", 1),
    ("rejudge cancel", 1),
]


def type_on(contest: Contest, command: str, *words: object) -> None:
    run_words(
        [
            "competition",
            *command.split(),
            str(contest.folder),
            *map(str, words),
            "--store",
            str(contest.store_folder),
        ]
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [(("pause",), reason) for reason in ("", " \t", "\x1b[31m", "\u202e", "x" * 1001)]
    + [(words, "\udcff") for words in _REASONED],
)
def test_a_reason_is_a_line_of_text(
    contest_template: Contest, words: tuple[object, ...], reason: str
) -> None:
    """Wherever one is typed: an empty one, or what cannot be stored or shown, is refused."""
    with pytest.raises(ConfigurationError, match="--reason"):
        type_on(contest_template, str(words[0]), *words[1:], "--reason", reason)


def test_a_reason_is_kept_on_one_line(contest: Contest) -> None:
    """White space is no fault."""
    type_on(contest, "pause", "--reason", " a  bug\nin München ")
    with closing(open_store(contest.store_folder, create=False)) as store:
        assert store.audit(NAME)[-1].reason == "a bug in München"


@pytest.mark.parametrize("team", ["\udcff", "a\nb", "Alpha"], ids=ascii)
def test_a_name_of_a_team_that_none_can_have(contest: Contest, team: str) -> None:
    """Nothing looks for it in the store."""
    for command, *words in (
        ("team add", team),
        ("team revoke", team, "--reason", "why"),
        ("cancel", 1, "--as", team),
        ("choose", 1, "--as", team),
        ("view", "--as", team, "--phase", "feedback"),
    ):
        with pytest.raises(ConfigurationError, match=r"no name of a team|no team"):
            type_on(contest, str(command), *words)


@pytest.mark.parametrize("number", [TOO_LARGE, 2**64, 10**30])
def test_a_number_that_no_database_has(contest: Contest, number: int) -> None:
    """It is refused as another that there is not."""
    for command, *words in (
        ("withdraw", number, "--reason", "why"),
        ("disqualify", number, "--reason", "why"),
        ("admit", number, "--reason", "why"),
        ("cancel", number, "--as", "alpha"),
        ("choose", number, "--as", "alpha"),
        ("rejudge start", number, "--phase", "feedback", "--reason", "why"),
        ("rejudge show", number),
        ("rejudge apply", number, "--reason", "why"),
        ("rejudge cancel", number, "--reason", "why"),
    ):
        with pytest.raises((ConfigurationError, SystemExit)) as caught:
            type_on(contest, str(command), *words)
        assert not isinstance(caught.value, SystemExit) or caught.value.code == 2


def test_a_folder_whose_name_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It needs a name for the competition, and is shown all the same."""
    folder = tmp_path / "q\udcff"
    with pytest.raises(ConfigurationError, match="--name"):
        run_words(["competition", "init", str(folder)])
    run_words(["competition", "init", str(folder), "--name", "Forgetting"])
    assert (folder / "competition.toml").is_file()
    capsys.readouterr().out.encode()
