"""What runs print: kept within a budget, counted to the byte, harmless wherever it is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun
from runner.evaluation.evaluate import evaluate
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.sanitize import sanitize
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.submission.load import load_submission
from runner.verdict import Verdict
from tests.support.command import type_command

pytestmark = pytest.mark.container

LOG_BYTES = 1 << 16

FLOOD = """
import os
BLOCK = (b"0123456789abcde\\n" * 65536)
def unlearning(net, retain, forget, val):
    os.write(1, b"HEAD")
    for _ in range(1024):
        left = memoryview(BLOCK)
        while left:
            left = left[os.write(1, left):]
    os.write(1, b"TAIL")
    os.write(2, b"quiet")
"""

HOSTILE = """
import sys
def unlearning(net, retain, forget, val):
    out = sys.stdout.buffer
    out.write(b"\\x1b[2J\\x1b]0;title\\x07\\x1b]8;;http://x\\x1b\\\\\\\\ \\x9b31m \\xff\\xfe \\x00 \\r over \\x08\\x08 ")
    out.write("\\u202egnp.exe \\u2066 \\u200b \\u2028 \\ufeff <script>alert(1)</script> =1+1 [red]".encode())
    out.flush()
    name = "E\\x1b[31m\\u202e[bold]"
    raise type(name, (Exception,), {})("\\x1b]0;x\\x07 message \\u202e")
"""


def test_a_gigabyte_is_cut_to_its_budget_and_counted_to_the_byte(
    run_submission: Callable[..., list[EndedRun]],
) -> None:
    """1 GiB on stdout: its beginning and its end are there, all else is a number, and stderr keeps
    its own half of the budget."""
    (ended,) = run_submission(FLOOD, log_bytes=LOG_BYTES, wall_seconds=600.0)
    assert ended.judgement.verdict is Verdict.OK, ended.judgement
    printed = (1 << 30) + len("HEAD") + len("TAIL")
    kept_of_stdout = LOG_BYTES // 2
    assert ended.log_bytes_dropped == printed - kept_of_stdout
    assert len(ended.log) == kept_of_stdout + len("quiet")
    assert ended.log.startswith(b"HEAD0123456789abcde\n")
    assert b"0123456789abcde\nTAIL" in ended.log
    assert ended.log.count(b"quiet") == 1


@pytest.fixture(scope="module")
def hostile_store(
    evaluation_context: Callable[[Path], EvaluationContext],
    challenge: Challenge,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return a store in which a submission has printed, and raised, everything that does harm."""
    folder = tmp_path_factory.mktemp("hostile")
    file = folder / "submission.py"
    file.write_text(HOSTILE)
    evaluate(
        evaluation_context(folder / "store"),
        load_submission(file),
        challenge,
        Settings(n=2, keep_going=True, keep_checkpoints=False),
    )
    return folder / "store"


def _shown(store: Path, *arguments: str) -> bytes:
    done = type_command(*arguments, "--store", store, FORCE_COLOR="1")
    assert done.returncode == 0, done.stderr
    return done.stdout.encode(errors="surrogateescape")


def _name(store: Path) -> str:
    return open_store(store, create=False).evaluations()[0].id


def test_log_files_are_harmless(hostile_store: Path) -> None:
    """Opened in a terminal or an editor they do nothing; what was printed can still be read."""
    text = EvaluationPaths(folder=hostile_store / _name(hostile_store)).log(0).read_bytes().decode()
    assert sanitize(text) == text
    assert "<script>alert(1)</script> =1+1 [red]" in text
    assert "message" in text


@pytest.mark.parametrize("command", ["show", "report", "list"])
def test_what_commands_show_is_harmless(hostile_store: Path, command: str) -> None:
    """Tables and reports, even on a terminal with colours, carry no escape but our own colours."""
    arguments = [] if command == "list" else [_name(hostile_store)]
    text = _shown(hostile_store, command, *arguments).decode()
    for colour in ("\x1b[1m", "\x1b[0m", "\x1b[31m", "\x1b[33m", "\x1b[2m"):
        if command != "report":
            text = text.replace(colour, "")
    assert sanitize(text) == text


@pytest.mark.parametrize("command", ["show", "report"])
def test_json_is_plain_ascii(hostile_store: Path, command: str) -> None:
    """No byte of it can reach a terminal as anything but a letter, and decoded it is harmless too."""
    data = _shown(hostile_store, command, _name(hostile_store), "--json")
    assert data.decode("ascii").replace("\n", "").isprintable()

    def walk(value: object) -> None:
        if isinstance(value, str):
            assert sanitize(value) == value
        elif isinstance(value, dict):
            for name, inner in value.items():
                walk(name)
                walk(inner)
        elif isinstance(value, Sequence):
            for inner in value:
                walk(inner)

    walk(json.loads(data))
