"""Every command that a page shows can be typed: its words are accepted, its files and targets exist.

Pages on the present are read. Decisions and the changelog may name what is no longer there, and generated pages
come from the commands themselves.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.exceptions import TyperException

from runner.cli.lazy import LazyCommand
from runner.cli.main import command_group
from runner.store.open_store import open_store
from tests.support.command import unlearn
from tests.support.paths import ROOT
from website.generate import REFERENCE

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md")),
    *sorted(file for file in (ROOT / "docs").rglob("*.md") if REFERENCE not in file.parents),
]
PAGES = [page for page in PAGES if page.parent.name != "decisions"]

_FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_OPERATORS = {"&&", "||", "|", ";", "&"}


@dataclass(frozen=True)
class Shown:
    """A command that a page shows."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def commands_in_line(line: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command in a line of a shell, without prompt and comment."""
    lexer = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if word in _OPERATORS:
            if words:
                yield tuple(words)
            words = []
        else:
            words.append(word)


def in_blocks(page: Path) -> Iterator[Shown]:
    """Yield the commands in the blocks of shell commands of a page; those beside output follow a prompt."""
    for language, block in _FENCED.findall(page.read_text(encoding="utf-8")):
        for line in block.splitlines() if language in ("sh", "console") else ():
            if language == "sh" or line.startswith("$ "):
                for words in commands_in_line(line):
                    yield Shown(page.name, words)


def in_text(page: Path) -> Iterator[Shown]:
    """Yield the commands of this project that are named within the text of a page."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    for code in re.findall(r"`((?:\.venv/bin/)?unlearn [^`]+)`", text):
        for words in commands_in_line(" ".join(code.split())):
            yield Shown(page.name, words)


BLOCKS = [shown for page in PAGES for shown in in_blocks(page)]
TEXT = [shown for page in PAGES for shown in in_text(page)]
OF_PROJECT = [shown for shown in BLOCKS if shown.words[0].rpartition("/")[2] == "unlearn"]
LEFT_OUT = {"MissingParameter", "BadOptionUsage"}
"""Names of typer's exceptions, whose module is private."""
PROGRAMS = {
    *("export", "podman", "docker", "ln", "apparmor_parser", "git", "cd", "sed", "tail", "pip"),
    *("createuser", "createdb", "paste", "pg_dump", "pg_restore", "sqlite3", "rsync"),
    *("chmod", "curl", "groupadd", "install", "ray", "umask", "useradd"),
}
"""Of others, which pages may show."""


def accept(words: tuple[str, ...]) -> None:
    """Let the parser of the command line read the words of a command; nothing is executed.

    Raises:
        TyperException: they are not accepted.
    """
    command: Any = command_group()
    name, rest = "unlearn", list(words)
    while hasattr(command, "commands"):
        for parameter in command.params:
            parameter.callback = None  # that of --version prints it, that of --install-completion installs
        context = command.make_context(name, rest)
        if not context._protected_args:
            return
        typed = [*context._protected_args, *context.args]
        name, command, rest = command.resolve_command(context, typed)
        if isinstance(command, LazyCommand):
            command = command.load()
    for parameter in command.params:
        parameter.callback = None
    command.make_context(name, rest)


@pytest.mark.parametrize("shown", sorted(set(OF_PROJECT), key=str), ids=str)
def test_commands_in_blocks_are_accepted(shown: Shown) -> None:
    """Command, options, their values and the number of arguments."""
    accept(shown.words[1:])


@pytest.mark.parametrize("shown", sorted(set(TEXT), key=str), ids=str)
def test_commands_in_text_are_accepted(shown: Shown) -> None:
    """Arguments, required options and values of options may be left out there, or stand as NUMBER."""
    words = ["7" if re.fullmatch("[A-Z]+", word) else word for word in shown.words[1:]]
    try:
        accept(tuple(words))
    except TyperException as error:
        if type(error).__name__ not in LEFT_OUT:
            raise


def test_other_programs_are_known() -> None:
    """What is shown beside `unlearn`: targets of make, files of the tree, and a few programs of others."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unknown = []
    for shown in BLOCKS:
        program, *rest = shown.words
        match program.rpartition("/")[2]:
            case "unlearn":
                continue
            case "make":
                known = rest and rest[0] in targets
            case "python":
                known = (ROOT / rest[0]).is_file() or rest[0] in ("-m", "-c")
            case name:
                known = name in PROGRAMS
        if not known:
            unknown.append(str(shown))
    assert unknown == []


def test_pages_show_commands() -> None:
    """The search finds them: in blocks, behind prompts, in text, and each of several in a line."""
    assert len(set(OF_PROJECT)) > 30
    assert len(set(TEXT)) > 30
    assert list(commands_in_line("$ a 'b c' && d -e # f")) == [("a", "b c"), ("d", "-e")]
    assert list(commands_in_line(".venv/bin/unlearn doctor && x | y; z &")) == [
        (".venv/bin/unlearn", "doctor"),
        ("x",),
        ("y",),
        ("z",),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "competition open",
        "run mine --chalenge x",
        "run mine -c x -n many",
        "run mine -c x --isolation vm",
        "compare",
        "image bild",
        "new a b",
    ],
)
def test_wrong_commands_are_not_accepted(line: str) -> None:
    """Unknown commands and options, values of another type, choices that do not exist, too few and too many words."""
    with pytest.raises(TyperException):
        accept(tuple(line.split()))


def test_cheap_commands_work(tmp_path: Path) -> None:
    """Versions, and the list of a store without evaluations."""
    assert unlearn("--version").stdout.startswith("unlearn ")
    open_store(tmp_path, create=True).close()
    assert unlearn("list", "--store", tmp_path).stdout.startswith("0 evaluations in ")
