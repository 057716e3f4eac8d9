"""`unlearn shell`: a container that is not sealed, with the public data alone."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.cli.participant import shell
from runner.cli.participant.shell import shell_command, shell_command_line, write_inputs
from runner.errors import ConfigurationError, HostNotReadyError


def command_line(**changes: Any) -> list[str]:
    values: dict[str, Any] = {
        "address": "unix:///run/docker.sock",
        "image": "unlearn-sandbox:1",
        "inputs": Path("/in"),
        "folder": Path("/home/me/mine"),
        "has_terminal": True,
    }
    return list(shell_command_line("docker", **{**values, **changes}))


def test_the_inputs_are_those_of_a_run(
    tmp_path: Path, load_challenge: Callable[[Limits], Challenge], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The original, what it is trained on, and what is to be forgotten: nothing that is hidden."""
    read: list[str] = []

    def data(_challenge: Challenge, name: str) -> bytes:
        read.append(name)
        return name.encode()

    monkeypatch.setattr(Challenge, "data", data)
    folder = tmp_path / "inputs"
    folder.mkdir()
    write_inputs(load_challenge(Limits()), folder)
    assert sorted(file.name for file in folder.iterdir()) == [
        "forget",
        "job.json",
        "original",
        "retain",
        "val",
    ]
    assert read == ["original", "retain", "forget", "val"]
    assert json.loads((folder / "job.json").read_text()).keys() == {
        *("architecture", "architecture_source", "batch_size", "classes", "item_format")
    }


def test_the_container_has_the_folder_and_nothing_else_of_the_host() -> None:
    """With the user's own rights, without a network, removed at its end; a terminal only where there is one."""
    words = command_line()
    mounts = [words[place + 1] for place, word in enumerate(words) if word == "--mount"]
    assert mounts == [
        "type=bind,source=/in,target=/inputs,readonly",
        "type=bind,source=/home/me/mine,target=/work",
    ]
    assert words[:4] == ["docker", "--host", "unix:///run/docker.sock", "run"]
    assert {"--rm", "--tty", "--cap-drop"} <= set(words)
    assert words[words.index("--network") + 1] == "none"
    assert "--tty" not in command_line(has_terminal=False)


@pytest.mark.parametrize("name", ["my, entry", 'a,"b"', "a\nb", "a,readonly"])
def test_a_folder_is_mounted_whatever_its_name(name: str) -> None:
    """The client reads a mount as a row of a CSV file: the field that it finds is the whole name."""
    words = command_line(folder=Path("/home/me") / name)
    mount = words[len(words) - words[::-1].index("--mount")]
    assert next(csv.reader(io.StringIO(mount, newline=""))) == [
        "type=bind",
        f"source=/home/me/{name}",
        "target=/work",
    ]


def test_a_name_that_the_engine_cannot_be_told_is_refused(tmp_path: Path) -> None:
    """The client would replace bytes that are not UTF-8, and look for another folder."""
    folder = tmp_path / "caf\udce9"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match="its name is not UTF-8"):
        shell_command(folder, challenge=None)


def test_what_is_missing_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, the challenge, the client."""
    with pytest.raises(ConfigurationError, match="is not a folder"):
        shell_command(tmp_path / "none", challenge=None)
    monkeypatch.setattr(shell, "find_default_challenge", lambda: None)
    with pytest.raises(ConfigurationError, match="run: unlearn setup"):
        shell_command(tmp_path, challenge=None)
    monkeypatch.setattr(shell, "find_default_challenge", object)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    with pytest.raises(HostNotReadyError, match="Install it"):
        shell_command(tmp_path, challenge=None)


def test_a_program_that_fails_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its own code is."""
    monkeypatch.setattr(shell, "find_default_challenge", object)
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(shell, "connect_engine", lambda: SimpleNamespace(address="unix:///x"))
    monkeypatch.setattr(shell, "require_image", lambda _engine: SimpleNamespace(tag="image"))
    monkeypatch.setattr(shell, "write_inputs", lambda _challenge, _folder: None)
    monkeypatch.setattr("subprocess.run", lambda words, **_options: subprocess.CompletedProcess(words, 3))
    with pytest.raises(typer.Exit) as ended:
        shell_command(tmp_path, challenge=None)
    assert ended.value.exit_code == 1
