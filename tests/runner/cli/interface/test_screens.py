"""What commands print of hostile and long names: narrow or wide, with colours or without, to any stdout."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

import pytest

from runner.cli import main as cli
from tests.support.screens.commands import SCREENS, TABLES
from tests.support.screens.store import ROWS, make_store

TERMINAL: Final = {"TERM": "xterm-256color"}
MODES: Final[Mapping[str, tuple[bool, str, Mapping[str, str]]]] = {
    "80": (True, "utf-8", {**TERMINAL, "COLUMNS": "80", "NO_COLOR": "1"}),
    "200": (True, "utf-8", {**TERMINAL, "COLUMNS": "200", "NO_COLOR": "1", "FORCE_COLOR": "1"}),
    "coloured": (True, "utf-8", {**TERMINAL, "COLUMNS": "80"}),
    "forced": (False, "latin-1", {"FORCE_COLOR": "1"}),
    "piped": (False, "ascii", {}),
}
"""Whether stdout is a terminal, its encoding, and the environment."""
READ: Final = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
CHANGING: Final = re.compile(
    r"(?<=::)[0-9a-f]{32}|(?<=::)stop-commands::.*|(?<=, )\d{4}-\d\d-\d\d \d\d:\d\d(?= AoE .*\n)|[\d.]+ [KMGT]iB(?= free of)"
)
"""Random words of workflow commands, the present minute and the room on the disk."""
RESULTS: Final = [name for name in SCREENS if not name.endswith("--help")]


class _Stream(io.TextIOWrapper):
    def __init__(self, raw: IO[bytes], encoding: str, *, is_terminal: bool) -> None:
        super().__init__(raw, encoding=encoding, errors="replace")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


Render = Callable[[str, str], str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("screens") / "store"
    make_store(path)
    return path


@pytest.fixture(scope="module")
def rendered() -> dict[tuple[str, str], str]:
    return {}


def ended(name: str, folder: Path, stream: io.TextIOWrapper, patch: pytest.MonkeyPatch) -> object:
    """Return the exit code with which a command ends that prints a screen to a stream."""
    patch.setattr(sys, "stdout", stream)
    try:
        with cli._errors_as_exit_codes():
            SCREENS[name](folder)
            cli._flush_output()
    except SystemExit as ending:
        return ending.code
    return 0


@pytest.fixture
def render(folder: Path, rendered: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch) -> Render:
    """Return what renders a screen in a mode, each once."""

    def text_of(name: str, mode: str) -> str:
        if (name, mode) not in rendered:
            is_terminal, encoding, environment = MODES[mode]
            with monkeypatch.context() as patch:
                for variable in READ:
                    patch.delenv(variable, raising=False)
                for variable, value in environment.items():
                    patch.setenv(variable, value)
                raw = io.BytesIO()
                stream = _Stream(raw, encoding, is_terminal=is_terminal)
                if name == "errors":
                    patch.setattr(sys, "stderr", stream)
                assert ended(name, folder, stream, patch) == 0
            text = raw.getvalue().decode(encoding)
            rendered[name, mode] = CHANGING.sub("", text)
        return rendered[name, mode]

    return text_of


def split(text: str) -> tuple[list[str], list[str]]:
    """Return the lines of tables, each of which stands between two lines of blanks, and all others."""
    tables, others, is_table = list[str](), list[str](), False
    for line in text.splitlines():
        if len(line) > 1 and not line.strip():
            is_table = not is_table
        else:
            (tables if is_table else others).append(line)
    assert not is_table
    return tables, others


@pytest.mark.parametrize("name", SCREENS)
def test_no_escape_code_reaches_what_shows_none(name: str, render: Render) -> None:
    """Under NO_COLOR, and where stdout is no terminal; a name's own escapes never do, with colours neither."""
    for mode in ("80", "200", "piped"):
        assert "\x1b" not in render(name, mode), mode
    assert COLOUR.sub("", render(name, "coloured")) == render(name, "80")


@pytest.mark.parametrize("name", RESULTS)
def test_only_tables_depend_on_the_width(name: str, render: Render) -> None:
    """They fit into it; everything else is on one line, which can be searched for and pasted whole."""
    tables, others = split(render(name, "80"))
    assert all(len(line) <= 80 for line in tables)
    assert [line.strip() for line in others] == [line.strip() for line in split(render(name, "200"))[1]]


@pytest.mark.parametrize("name", TABLES)
def test_status_and_score_of_every_row_are_whole(name: str, render: Render) -> None:
    """In the narrow table, too, whose names are folded; and so is the evaluation's own name."""
    for mode in ("80", "200", "piped"):
        lines = [
            line.replace("|", " ") for line in reversed(render(name, mode).splitlines())
        ]  # of ASCII tables
        rows = {line.split()[-1]: line for line in lines if line.split()}
        shown = ROWS.keys() & rows.keys()
        assert len(shown) >= (3 if name == "list -c" else len(ROWS) - 1), mode
        for identity in shown:
            status, score = ROWS[identity]
            assert f" {status} " in rows[identity], mode
            assert score in rows[identity], mode


@pytest.mark.parametrize("name", SCREENS)
def test_any_encoding_will_do(name: str, render: Render) -> None:
    """What stdout cannot show is replaced; forced colours are colours and nothing else."""
    assert render(name, "piped").isascii()
    assert "\x1b" not in COLOUR.sub("", render(name, "forced"))


def test_paragraphs_of_a_help_are_filled(render: Render) -> None:
    """The line ends of a docstring are not those of a terminal; the narrow help is as long as its words."""
    for name in SCREENS:
        if name.endswith("--help"):
            text = render(name, "200").partition("\N{BOX DRAWINGS LIGHT ARC DOWN AND RIGHT}")[0]
            paragraphs = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
            assert all(len(part.splitlines()[0]) > 120 for part in paragraphs if "\n" in part), text


@pytest.mark.parametrize("name", [*(name for name in RESULTS if name != "errors"), "--help"])
def test_a_reader_that_has_gone_and_a_full_disk(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first changes nothing, the second is this host's fault: exit codes 0 and 3."""
    read, write = os.pipe()
    os.close(read)
    for file, code in ((write, 0), ("/dev/full", 3)):
        with monkeypatch.context() as patch, open(file, "w", encoding="utf-8", closefd=True) as stream:
            assert isinstance(stream, io.TextIOWrapper)
            assert ended(name, folder, stream, patch) == code
