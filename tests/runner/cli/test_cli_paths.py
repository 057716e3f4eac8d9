"""A path that this user may not read results in one sentence of ours, like any other bad input."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

import pytest

from runner.cli import main as cli
from runner.cli.interface.challenge_commands import (
    CHALLENGE_COMMANDS,
    COMPETITION_COMMANDS,
    REJUDGE_COMMANDS,
    TEAM_COMMANDS,
)
from runner.cli.interface.cluster_commands import CLUSTER_COMMANDS
from runner.cli.interface.image_commands import IMAGE_COMMANDS
from runner.cli.interface.store_commands import CHECKPOINT_COMMANDS, STORE_COMMANDS
from runner.cli.lazy import LazyCommand
from runner.errors import ConfigurationError, HostNotReadyError


def commands(group: Any, name: str = "unlearn") -> Iterator[tuple[str, Any]]:
    """Yield every command with its name, subcommands included."""
    command = group.load() if isinstance(group, LazyCommand) else group
    yield name, command
    for subcommand_name, subcommand in getattr(group, "commands", {}).items():
        yield from commands(subcommand, f"{name} {subcommand_name}")


PATHS = [
    pytest.param(parameter, id=f"{name} {parameter.name}")
    for name, command in commands(cli.command_group())
    for parameter in command.params
    if "Path" in str(getattr(parameter, "type_descriptor", ""))
]


LAZY = [
    pytest.param(command, id=f"{group} {name}")
    for group, table in (
        ("", cli.COMMANDS),
        ("image", IMAGE_COMMANDS),
        ("store", STORE_COMMANDS),
        ("cluster", CLUSTER_COMMANDS),
        ("checkpoints", CHECKPOINT_COMMANDS),
        ("challenge", CHALLENGE_COMMANDS),
        ("competition", COMPETITION_COMMANDS),
        ("competition team", TEAM_COMMANDS),
        ("competition rejudge", REJUDGE_COMMANDS),
    )
    for name, (target, summary) in table.items()
    for command in [LazyCommand(name, target=f"runner.cli.{target}", summary=summary)]
]


@pytest.mark.parametrize("command", LAZY)
def test_the_help_of_a_command_is_its_docstring(command: LazyCommand) -> None:
    """The table of commands, which needs no imports, repeats the first line of each docstring."""
    assert str(command.load().help).splitlines()[0] == command.help


def test_path_parameters_are_collected() -> None:
    """The parametrized test below is not empty."""
    assert len(PATHS) > 20


@pytest.mark.parametrize("parameter", PATHS)
def test_typer_does_not_check_whether_a_path_is_readable(parameter: Any) -> None:
    """Typer would print a usage box in place of our sentence, and only for users other than root."""
    assert parameter.type_descriptor.parameter_info.readable is False


def test_permission_denied_is_reported_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence names the path and the reason, not the errno."""
    with pytest.raises(SystemExit) as exit_info, cli._errors_as_exit_codes():
        raise PermissionError(errno.EACCES, "Permission denied", "/store/store.sqlite")
    assert exit_info.value.code == HostNotReadyError.exit_code
    assert capsys.readouterr().err == "unlearn: /store/store.sqlite cannot be used: Permission denied.\n"


@pytest.mark.parametrize(
    "words",
    [
        ["run", "", "-c", "challenge"],
        ["run", "mine", "", "-c", "challenge"],
        ["run", "mine", "-c", ""],
        ["run", "mine", "--challenge="],
        ["list", "--store", ""],
        ["show", ""],
        ["clean", ""],
        ["clean", "--checkpoints", ""],
        ["report", "abcd", "--out="],
        ["verify", ""],
        ["challenge", "show", ""],
    ],
    ids=" ".join,
)
def test_an_empty_argument_is_refused(words: list[str]) -> None:
    """An empty path would be the current folder, and an empty name the only evaluation that there is."""
    with pytest.raises(ConfigurationError, match="is empty"):
        cli.command_group()(words, standalone_mode=False)


def test_an_option_of_text_may_be_empty() -> None:
    """A script passes on what it was given: ``--runtime ""`` is the default."""
    command = LazyCommand("run", target="runner.cli.run:run_command", summary="")
    words = ["mine", "-c", "x", "--runtime", "", "--image="]
    context = command.make_context("run", words)
    assert (context.params["runtime"], context.params["image"]) == ("", "")
