"""Is a path that this user may not read answered by our own sentence, as any other bad input?"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

import pytest

from runner.cli import main as cli
from runner.cli.lazy import LazyCommand
from runner.errors import HostNotReadyError


def commands(group: Any, name: str = "unlearn") -> Iterator[tuple[str, Any]]:
    """Every command, those of groups too."""
    command = group.load() if isinstance(group, LazyCommand) else group
    yield name, command
    for below, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{name} {below}")


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
        ("image", cli.IMAGE_COMMANDS),
        ("challenge", cli.CHALLENGE_COMMANDS),
    )
    for name, (target, summary) in table.items()
    for command in [LazyCommand(name, target=f"runner.cli.{target}", summary=summary)]
]


@pytest.mark.parametrize("command", LAZY)
def test_the_help_of_a_command_is_its_docstring(command: LazyCommand) -> None:
    """The table of commands, which needs no imports, says what the functions say."""
    assert str(command.load().help).splitlines()[0] == command.help


def test_there_are_paths() -> None:
    """The search below finds them."""
    assert len(PATHS) > 20


@pytest.mark.parametrize("parameter", PATHS)
def test_the_command_line_leaves_the_reading_to_us(parameter: Any) -> None:
    """Typer would show its usage in a box, and only where the user is not root."""
    assert parameter.type_descriptor.parameter_info.readable is False


def test_a_file_that_may_not_be_used_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """With the path and the reason, without the number of the error."""
    with pytest.raises(SystemExit) as ended, cli._errors_as_exit_codes():
        raise PermissionError(errno.EACCES, "Permission denied", "/store/store.sqlite")
    assert ended.value.code == HostNotReadyError.exit_code
    assert capsys.readouterr().err == "unlearn: /store/store.sqlite cannot be used: Permission denied.\n"
