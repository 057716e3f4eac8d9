"""`unlearn run` ends with the exit code that was earned, whatever terminal, store or Docker client it has."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.store.listing import DATABASE_FILE
from tests.support.command import type_command
from tests.support.paths import SAMPLES

pytestmark = pytest.mark.container

FAILING = "def unlearning(net, retain, forget, val):\n    raise ValueError('名: no such luck')\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_table_that_the_terminal_cannot_show(challenge: Challenge, tmp_path: Path, encoding: str) -> None:
    """All runs are done and scored: exit code 0, and 1 only for the submission that earned no score."""
    failing = tmp_path / "名.py"
    failing.write_text(FAILING)
    for submission, code in ((SAMPLES / "finetune", 0), (failing, 1)):
        done = type_command(
            *("run", submission, "-c", challenge.folder, "-n", 2, "--store", tmp_path / "store"),
            PYTHONIOENCODING=encoding,
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert re.search("unlearn show [0-9a-f]{12}", done.stdout)


def test_a_damaged_store_is_exit_code_3(challenge: Challenge, tmp_path: Path) -> None:
    """A changed verdict, date or time limit, found when the command is repeated."""
    command = ("run", SAMPLES / "finetune", "-c", challenge.folder, "-n", 2, "--store", tmp_path / "store")
    assert type_command(*command).returncode == 0
    for statement, undo in (
        ("UPDATE runs SET verdict = 'oj'", "UPDATE runs SET verdict = 'ok'"),
        ("UPDATE evaluations SET begun = 'x'", "UPDATE evaluations SET begun = '2026-01-01 00:00:00.000000'"),
        ("UPDATE terms SET terms = '{}'", "SELECT 1"),
    ):
        with closing(sqlite3.connect(tmp_path / "store" / DATABASE_FILE)) as connection, connection:
            connection.execute(statement)
        done = type_command(*command)
        assert done.returncode == 3, (statement, done.stderr)
        assert done.stderr.count("unlearn: ") == 1
        with closing(sqlite3.connect(tmp_path / "store" / DATABASE_FILE)) as connection, connection:
            connection.execute(undo)


def test_stopped_at_the_first_failure_is_known_to_score(challenge: Challenge, tmp_path: Path) -> None:
    """Without --keep-going later runs are not executed: the evaluation has ended all the same."""
    store = ("--store", tmp_path / "store")
    failing = tmp_path / "failing.py"
    failing.write_text(FAILING)
    for submission, code in ((failing, 1), (SAMPLES / "finetune", 0)):
        done = type_command("run", submission, "-c", challenge.folder, "-n", 4, *store)
        assert done.returncode == code, done.stderr
    listed = [json.loads(line) for line in type_command("list", *store, "--json").stdout.splitlines()]
    names = {item["submission"]: item["evaluation"] for item in listed}
    done = type_command("score", names["failing"], *store)
    assert done.returncode == 1
    assert "earned no score: run 0 ended as crashed (ValueError" in " ".join(done.stderr.split())
    done = type_command("score", *names.values(), *store)
    assert done.returncode == 1
    assert done.stdout.index("finetune: 4 runs") < done.stdout.index(
        "earned no score: run 0 ended as crashed"
    )


def test_proxies_of_the_client_do_not_reach_a_submission(challenge: Challenge, tmp_path: Path) -> None:
    """A submission prints its environment; a broken credential store does not matter either."""
    proxy = "http://user:pa55word@proxy.example:3128"
    configuration = {
        "proxies": {"default": {"httpProxy": proxy, "httpsProxy": proxy, "noProxy": "pa55word.example"}},
        "credsStore": "no-such-helper",
    }
    (tmp_path / "config.json").write_text(json.dumps(configuration))
    entry = tmp_path / "prints.py"
    entry.write_text(
        "import os\n\ndef unlearning(net, retain, forget, val):\n    print(sorted(os.environ.items()))\n"
    )
    store = tmp_path / "store"
    done = type_command(
        *("run", entry, "-c", challenge.folder, "-n", 2, "--store", store), DOCKER_CONFIG=str(tmp_path)
    )
    assert done.returncode == 0, done.stderr
    (log, *_others) = sorted(store.glob("*/logs/*.txt"))
    assert "PATH" in log.read_text()
    assert "pa55word" not in log.read_text()
    assert "proxy" not in log.read_text().lower()
