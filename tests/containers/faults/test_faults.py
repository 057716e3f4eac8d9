"""Whatever fails on our side, nothing that was finished is lost or repeated, and nothing is left running."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL, LABEL
from runner.store.lease import LEASE_SECONDS
from runner.store.listing import DATABASE_FILE
from tests.support.engine_proxy import Proxy
from tests.support.evaluating import Evaluating, require_complete, require_preserved
from tests.support.paths import ROOT

pytestmark = pytest.mark.container


def test_ctrl_c_keeps_what_was_finished(
    mine: Evaluating, nothing_left: Callable[[Evaluating], list[str]]
) -> None:
    """Exit code 130 and a sentence; containers are gone at once; the same command goes on."""
    process = mine.start()
    before = mine.until_published(process, 3)
    process.send_signal(signal.SIGINT)
    code, _out, sentence = mine.end(process)
    assert code == 130
    assert "Repeat the command to continue" in sentence
    assert nothing_left(mine) == []
    require_preserved(before, mine.runs())
    code, out, _sentence = mine.run()
    assert code == 0
    require_complete(mine, out, before)


@pytest.mark.parametrize("role", ["worker", "evaluator"])
def test_a_container_that_is_removed_from_outside_is_started_again(
    engine: Engine, mine: Evaluating, nothing_left: Callable[[Evaluating], list[str]], role: str
) -> None:
    """The same command goes on by itself; for a worker that is a second attempt."""
    process = mine.start()
    before = mine.until_published(process, 3)
    for identity, _labels in engine.containers({EVALUATION_LABEL: mine.name(), LABEL: role}):
        engine.remove(identity)
    code, out, sentence = mine.end(process)
    assert code == 0, sentence
    require_complete(mine, out, before)
    assert len(mine.attempts()) == (2 if role == "worker" else 1)
    assert nothing_left(mine) == []


@pytest.fixture
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        pytest.skip("the engine is not behind a local socket")
    new_proxy = Proxy(tmp_path_factory.mktemp("proxy") / "s", host.removeprefix("unix://"))
    yield new_proxy
    new_proxy.go_away()


def test_an_engine_that_goes_away_and_comes_back_loses_nothing(
    challenge: Challenge,
    tmp_path: Path,
    proxy: Proxy,
    engine: Engine,
    nothing_left: Callable[[Evaluating], list[str]],
) -> None:
    """In mid-run, for as long as a restart takes: the command waits for it and goes on by itself.
    The containers that it could not remove meanwhile are removed in the end."""
    it = Evaluating(challenge, tmp_path, DOCKER_HOST=f"unix://{proxy.place}")
    process = it.start()
    before = it.until_published(process, 3)
    proxy.go_away()
    time.sleep(2.0)  # as long as it is away; nothing is waited for
    proxy.come_back()
    code, out, sentence = it.end(process)
    assert code == 0, sentence
    require_complete(it, out, before)
    assert nothing_left(it) == []


def test_kill_9_leaves_containers_that_the_next_command_removes(
    engine: Engine, mine: Evaluating, nothing_left: Callable[[Evaluating], list[str]]
) -> None:
    """At once, without waiting for the dead process's lease; all that was finished stays."""
    process = mine.start()
    before = mine.until_published(process, 3)
    process.kill()
    process.communicate()
    assert nothing_left(mine) != []
    started = time.monotonic()
    process = mine.start()
    mine.wait_until(process, lambda: len(mine.attempts()) == 2)
    assert time.monotonic() - started < LEASE_SECONDS
    code, out, _sentence = mine.end(process)
    assert code == 0
    require_complete(mine, out, before)
    assert nothing_left(mine) == []


def test_two_commands_on_one_evaluation(mine: Evaluating) -> None:
    """The second is told who is at it and until when, exit code 3; the first is not disturbed."""
    first = mine.start()
    before = mine.until_published(first, 2)
    with mine.suspended(first):  # so that it is not done before the second has begun
        code, out, sentence = mine.run()
    assert (code, out) == (3, "")
    assert f"process {first.pid}" in sentence
    assert "UTC unless renewed" in sentence
    code, out, _sentence = mine.end(first)
    assert code == 0
    require_complete(mine, out, before)
    assert mine.attempts() == ["done"]


def test_a_command_that_stood_still_while_another_took_over_changes_nothing(
    mine: Evaluating, nothing_left: Callable[[Evaluating], list[str]]
) -> None:
    """As when a machine sleeps and another one that shares the database goes on: what comes back
    stops with a sentence, and neither a row nor a file of the other's has changed."""
    process = mine.start()
    mine.until_published(process, 3)
    with mine.suspended(process) as database:
        database.execute("UPDATE leases SET token = token + 1, holder = 'host-b, process 9', place = 'b'")
        published = mine.runs()
        done_with = {f"{run.index:05d}.safetensors" for run in published.values() if run.evaluated}
        files = {
            file: when
            for file, when in mine.files().items()
            if ".part" not in file and Path(file).name not in done_with  # which it may be about to remove
        }
    code, _out, sentence = mine.end(process)
    assert code == 3
    assert "taken over by host-b, process 9" in sentence or "not the newest" in sentence
    assert mine.runs() == published
    assert {file: when for file, when in mine.files().items() if file in files} == files
    assert nothing_left(mine) == []
    with closing(sqlite3.connect(mine.store / DATABASE_FILE)) as database, database:
        database.execute("UPDATE leases SET holder = ''")  # host-b lets go
    code, out, _sentence = mine.run()
    assert code == 0
    require_complete(mine, out, published)


@pytest.mark.slow
def test_random_kills(challenge: Challenge) -> None:
    """A few of the kills that the benchmark does by the hundred: nothing lost, nothing repeated."""
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "benchmarks" / "kill9.py",
            "--kills",
            "4",
            "-n",
            "16",
            "--challenge",
            challenge.folder,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
