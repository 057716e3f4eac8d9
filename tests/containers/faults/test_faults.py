"""Whatever fails on our side, nothing that was finished is lost or repeated, and nothing is left running."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL, LABEL
from runner.errors import RunnerError
from runner.store.lease import LEASE_SECONDS
from runner.store.records import RunRecord
from runner.store.store import DATABASE_FILE, Store
from tests.support.paths import ROOT

pytestmark = pytest.mark.container

UNLEARN: Final = Path(sys.executable).parent / "unlearn"
N: Final = 12
PATIENCE_SECONDS: Final = 240.0

SLOW_NOISE: Final = """
import os, time, torch

def unlearning(net, retain, forget, val):
    if int(os.getcwd().rpartition("-")[2]) >= 3: time.sleep(1.2)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight) * 0.01)
"""
"""Three runs are soon there; the rest leave whoever waits for those, on a busy machine, seconds to act."""


class Evaluating:
    """One evaluation, done by the command in a process of its own as often as a test likes."""

    def __init__(self, challenge: Challenge, folder: Path, **environment: str) -> None:
        self.store = folder / "store"
        self._submission = folder / "mine"
        self._submission.mkdir()
        (self._submission / "submission.py").write_text(SLOW_NOISE)
        self._challenge, self._environment = challenge.folder, {**os.environ, **environment}

    def start(self) -> subprocess.Popen[str]:
        command = [str(UNLEARN), "run", str(self._submission), "-c", str(self._challenge), "-n", str(N)]
        return subprocess.Popen(
            [*command, "--store", str(self.store), "--json"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, process: subprocess.Popen[str]) -> tuple[int, str, str]:
        """Return exit code, stdout, and the one sentence on stderr if there is one."""
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert "Traceback" not in err, err
        sentences = [line for line in err.splitlines() if line.startswith("unlearn: ")]
        assert len(sentences) == (process.returncode != 0), err
        return process.returncode, out, sentences[0] if sentences else ""

    def run(self) -> tuple[int, str, str]:
        return self.end(self.start())

    def name(self) -> str:
        with closing(Store.in_folder(self.store, create=False)) as store:
            return store.evaluations()[0].id

    def runs(self) -> dict[int, RunRecord]:
        try:
            with closing(Store.in_folder(self.store, create=False)) as store:
                names = store.evaluations()
                return {run.index: run for run in store.runs(names[0].id)} if names else {}
        except RunnerError:
            return {}  # it is not there yet

    def attempts(self) -> list[str | None]:
        with closing(Store.in_folder(self.store, create=False)) as store:
            return [one.outcome for one in store.attempts(self.name())]

    def until(self, process: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
        """Wait for something while the command is at work."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def until_published(self, process: subprocess.Popen[str], count: int) -> dict[int, RunRecord]:
        """Wait until so many runs are published, and return them."""
        self.until(process, lambda: len(self.runs()) >= count)
        return self.runs()

    @contextlib.contextmanager
    def standing_still(self, process: subprocess.Popen[str]) -> Iterator[sqlite3.Connection]:
        """Have the command stand still and its database to oneself, to be changed at once if at all.

        It is stopped again where it stood in the middle of writing: a database stays locked as long.
        """
        while True:
            process.send_signal(signal.SIGSTOP)
            try:
                os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                with closing(sqlite3.connect(self.store / DATABASE_FILE, timeout=0.1)) as database:
                    database.isolation_level = None
                    try:
                        database.execute("BEGIN IMMEDIATE")
                    except sqlite3.OperationalError:
                        continue
                    database.rollback()
                    yield database
                    return
            finally:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.01)  # it is to get on before it is stopped again

    def files(self) -> dict[str, int]:
        """Return every file of the evaluation and when it was written."""
        folder = self.store / self.name()
        return {str(file): file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def mine(challenge: Challenge, tmp_path: Path) -> Evaluating:
    return Evaluating(challenge, tmp_path)


@pytest.fixture
def nothing_left(engine: Engine) -> Callable[[Evaluating], list[str]]:
    """Return a function that names the containers of an evaluation that are still there."""
    return lambda it: [identity for identity, _ in engine.containers({EVALUATION_LABEL: it.name()})]


def require_kept(before: dict[int, RunRecord], after: dict[int, RunRecord]) -> None:
    """Require that runs are there as they were, perhaps evaluated since."""
    for index, run in before.items():
        told, kept = (
            (one.seed, one.attempt, one.verdict, one.checkpoint_sha256, one.host_seconds)
            for one in (run, after[index])
        )
        assert told == kept
        assert run.outputs_sha256 in ("", after[index].outputs_sha256)


def require_whole(it: Evaluating, out: str, before: dict[int, RunRecord]) -> dict[str, Any]:
    """Require that an evaluation ended with all its runs, those of ``before`` among them; verify it."""
    summary = json.loads(out)
    assert summary["verdicts"] == {"ok": N}
    require_kept(before, it.runs())
    verified = subprocess.run(
        [str(UNLEARN), "verify", it.name(), "--store", str(it.store), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert not [file for file in it.files() if ".part" in file]
    return dict(summary)


def test_ctrl_c_keeps_what_was_finished(
    mine: Evaluating, nothing_left: Callable[[Evaluating], list[str]]
) -> None:
    """Exit code 130 and a sentence; containers are gone at once; the same command goes on."""
    process = mine.start()
    before = mine.until_published(process, 3)
    process.send_signal(signal.SIGINT)
    code, _out, said = mine.end(process)
    assert code == 130
    assert "Repeat the command to go on" in said
    assert nothing_left(mine) == []
    require_kept(before, mine.runs())
    code, out, _said = mine.run()
    assert code == 0
    require_whole(mine, out, before)


@pytest.mark.parametrize("role", ["worker", "evaluator"])
def test_a_container_that_is_removed_from_outside_is_started_again(
    engine: Engine, mine: Evaluating, nothing_left: Callable[[Evaluating], list[str]], role: str
) -> None:
    """The same command goes on by itself; for a worker that is a second attempt."""
    process = mine.start()
    before = mine.until_published(process, 3)
    for identity, _labels in engine.containers({EVALUATION_LABEL: mine.name(), LABEL: role}):
        engine.remove(identity)
    code, out, said = mine.end(process)
    assert code == 0, said
    require_whole(mine, out, before)
    assert len(mine.attempts()) == (2 if role == "worker" else 1)
    assert nothing_left(mine) == []


class Proxy:
    """A socket in front of the engine's whose connections can be cut, as when the engine is restarted."""

    def __init__(self, place: Path, engine: str) -> None:
        self._place, self._engine = place, engine
        self._open: list[socket.socket] = []
        self._guard = threading.Lock()
        self._listener: socket.socket | None = None
        self.come_back()

    def come_back(self) -> None:
        """Listen."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._place))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def go_away(self) -> None:
        """Answer nobody any more, and cut every conversation."""
        assert self._listener is not None
        self._place.unlink()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._guard:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._engine)
                threading.Thread(target=self._converse, args=(client, server), daemon=True).start()

    def _converse(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what each says until both have ended."""
        with client, server:
            with self._guard:
                self._open += [client, server]
            back = threading.Thread(target=self._pump, args=(server, client))
            back.start()
            self._pump(client, server)
            back.join()
            with self._guard:
                self._open.remove(client)
                self._open.remove(server)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        pytest.skip("the engine is not behind a local socket")
    made = Proxy(tmp_path_factory.mktemp("proxy") / "s", host.removeprefix("unix://"))
    yield made
    made.go_away()


def test_an_engine_that_goes_away_and_comes_back_loses_nothing(
    challenge: Challenge,
    tmp_path: Path,
    proxy: Proxy,
    engine: Engine,
    nothing_left: Callable[[Evaluating], list[str]],
) -> None:
    """In mid-run, for as long as a restart takes: the command waits for it and goes on by itself.
    The containers that it could not remove meanwhile are removed in the end."""
    it = Evaluating(challenge, tmp_path, DOCKER_HOST=f"unix://{proxy._place}")
    process = it.start()
    before = it.until_published(process, 3)
    proxy.go_away()
    time.sleep(2.0)  # as long as it is away; nothing is waited for
    proxy.come_back()
    code, out, said = it.end(process)
    assert code == 0, said
    require_whole(it, out, before)
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
    begun = time.monotonic()
    process = mine.start()
    mine.until(process, lambda: len(mine.attempts()) == 2)
    assert time.monotonic() - begun < LEASE_SECONDS
    code, out, _said = mine.end(process)
    assert code == 0
    require_whole(mine, out, before)
    assert nothing_left(mine) == []


def test_two_commands_on_one_evaluation(mine: Evaluating) -> None:
    """The second is told who is at it and until when, exit code 3; the first is not disturbed."""
    first = mine.start()
    before = mine.until_published(first, 2)
    with mine.standing_still(first):  # so that it is not done before the second has begun
        code, out, said = mine.run()
    assert (code, out) == (3, "")
    assert f"process {first.pid}" in said
    assert "UTC unless renewed" in said
    code, out, _said = mine.end(first)
    assert code == 0
    require_whole(mine, out, before)
    assert mine.attempts() == ["done"]


def test_a_command_that_stood_still_while_another_took_over_changes_nothing(
    mine: Evaluating, nothing_left: Callable[[Evaluating], list[str]]
) -> None:
    """As when a machine sleeps and another one that shares the database goes on: what comes back
    stops with a sentence, and neither a row nor a file of the other's has changed."""
    process = mine.start()
    mine.until_published(process, 3)
    with mine.standing_still(process) as database:
        database.execute("UPDATE leases SET token = token + 1, holder = 'host-b, process 9', place = 'b'")
        published = mine.runs()
        done_with = {f"{run.index:05d}.safetensors" for run in published.values() if run.evaluated}
        files = {
            file: when
            for file, when in mine.files().items()
            if ".part" not in file and Path(file).name not in done_with  # which it may be about to remove
        }
    code, _out, said = mine.end(process)
    assert code == 3
    assert "taken over by host-b, process 9" in said or "not the newest" in said
    assert mine.runs() == published
    assert {file: when for file, when in mine.files().items() if file in files} == files
    assert nothing_left(mine) == []
    with closing(sqlite3.connect(mine.store / DATABASE_FILE)) as database, database:
        database.execute("UPDATE leases SET holder = ''")  # host-b lets go
    code, out, _said = mine.run()
    assert code == 0
    require_whole(mine, out, published)


@contextlib.contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[None]:
    """Have something mounted at a folder."""
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", *arguments, str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("only root can mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_is_one_sentence_and_loses_nothing(
    mine: Evaluating, nothing_left: Callable[[Evaluating], list[str]]
) -> None:
    """Exit code 3, no half-written file; with room again, the same command goes on."""
    with mounted(mine.store, "-t", "tmpfs", "-o", "size=16m", "tmpfs"):
        process = mine.start()
        mine.until_published(process, 2)
        filler = mine.store / "filler"
        fill_up(filler)
        code, _out, said = mine.end(process)
        assert code == 3
        assert "full" in said or "No space left" in said
        filler.unlink()
        assert nothing_left(mine) == []
        assert not [file for file in mine.files() if Path(file).name.startswith(".")]
        before = mine.runs()
        assert 2 <= len(before) < N
        code, out, _said = mine.run()
        assert code == 0
        require_whole(mine, out, before)


def fill_up(file: Path) -> None:
    """Take all the room that is left."""
    with open(file, "wb", buffering=0) as opened:
        for portion in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    opened.write(bytes(portion))


def test_a_store_that_can_only_be_read(mine: Evaluating, tmp_path: Path) -> None:
    """`run` says so in one sentence, exit code 3; what is there can still be shown and verified."""
    code, out, _said = mine.run()
    assert code == 0
    name = mine.name()
    with mounted(mine.store, "--bind", str(mine.store)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(mine.store)], check=True)
        code, _out, said = mine.run()
        assert code == 3
        assert "cannot be written" in said
        shown = [
            subprocess.run(
                [str(UNLEARN), *words, "--store", str(mine.store), "--json"],
                capture_output=True,
                text=True,
                check=False,
            )
            for words in (["verify", name], ["show", name], ["list"])
        ]
        assert [one.returncode for one in shown] == [0, 0, 0], [one.stderr for one in shown]
        assert json.loads(shown[1].stdout)["summary"] == json.loads(out)


def test_a_database_that_is_no_database_any_more(mine: Evaluating) -> None:
    """Exit code 3 and one sentence; the file is left for whoever can repair it."""
    mine.store.mkdir()
    (mine.store / DATABASE_FILE).write_bytes(b"no database" * 1000)
    code, _out, said = mine.run()
    assert code == 3
    assert "The store cannot be used" in said
    assert (mine.store / DATABASE_FILE).read_bytes() == b"no database" * 1000


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
