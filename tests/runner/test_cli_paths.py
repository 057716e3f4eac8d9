"""Is a path that this user may not read answered by our own sentence, as any other bad input?"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from runner import cli
from runner.errors import HostNotReadyError


def commands(group: Any, name: str = "unlearn") -> Iterator[tuple[str, Any]]:
    """Every command, those of groups too."""
    yield name, group
    for below, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{name} {below}")


PATHS = [
    pytest.param(parameter, id=f"{name} {parameter.name}")
    for name, command in commands(typer.main.get_command(cli.app))
    for parameter in command.params
    if "Path" in str(getattr(parameter, "type_descriptor", ""))
]


def test_there_are_paths() -> None:
    """The search below finds them."""
    assert len(PATHS) > 20


@pytest.mark.parametrize("parameter", PATHS)
def test_the_command_line_leaves_the_reading_to_us(parameter: Any) -> None:
    """Typer would show its usage in a box, and only where the user is not root."""
    assert parameter.type_descriptor.parameter_info.readable is False


def test_a_file_that_may_not_be_used_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """With the path and the reason, without the number of the error."""
    with pytest.raises(SystemExit) as ended, cli._sentences():
        raise PermissionError(errno.EACCES, "Permission denied", "/store/store.sqlite")
    assert ended.value.code == HostNotReadyError.exit_code
    assert capsys.readouterr().err == "unlearn: /store/store.sqlite cannot be used: Permission denied.\n"
