"""The quick start is true: its commands, typed in its order, print what the page shows.

Numbers, names of evaluations and times are those of the machine that the page was written on, and are not
compared; words, rows and their order are.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.command import type_command
from tests.support.paths import ROOT, SAMPLES
from tests.website.test_shown_commands import commands_in_line

pytestmark = [pytest.mark.container, pytest.mark.slow]

PAGE = ROOT / "docs" / "quick-start.md"
WIDTH = "110"


def shown_commands() -> list[tuple[str, str]]:
    """Return each command that the page shows with output, and the output."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _newline, output in (part.partition("\n") for part in parts)]


def words_of(output: str) -> list[str]:
    """Return the lines of an output without what differs from machine to machine."""
    masked = re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,64}\b", "ID", output)
    masked = re.sub(r"\d+(?:[.:-]\d+)*(?:e-\d+)?(?: (?:s|min|h)\b)?", "N", masked)
    masked = re.sub("─+", "─", masked)
    return [" ".join(line.split()) for line in masked.splitlines() if line.strip()]


def test_the_commands_print_what_the_page_shows(tmp_path: Path) -> None:
    """From a new submission to a verified score; a failed check ends with exit code 1, all else with 0."""
    (tmp_path / "sample_submissions").symlink_to(SAMPLES)
    commands = shown_commands()
    assert len(commands) > 8
    for command, output in commands:
        printed = ""
        for program, *words in commands_in_line(command):
            if program == "unlearn":
                cache = str(tmp_path / "cache")
                done = type_command(*words, cwd=tmp_path, COLUMNS=WIDTH, XDG_CACHE_HOME=cache)
                assert done.returncode == int("failed" in output), done.stderr
                printed = done.stdout
            else:
                filtered = [program, *words]
                printed = subprocess.check_output(filtered, input=printed, cwd=tmp_path, text=True)
        assert words_of(printed) == words_of(output), command
