"""Processes that are killed and started again, as a service manager does."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final, Protocol

from runner.errors import HostNotReadyError
from tests.support.command import command_environment, command_line
from tests.support.databases.server import Server
from tests.support.paths import ROOT

_MAX_RESTART_SECONDS: Final = 0.4
_KILLED: Final = -signal.SIGKILL
_EXPECTED: Final = {_KILLED, HostNotReadyError.exit_code}
"""Exit codes of a process that was killed, or whose database was."""


class _Process(Protocol):
    @property
    def pid(self) -> int | None: ...

    def exit_code(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class _Command:
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int | None:
        return self.process.pid

    def exit_code(self) -> int | None:
        return self.process.poll()


@dataclass(frozen=True, slots=True)
class _Fork:
    process: BaseProcess

    @property
    def pid(self) -> int | None:
        return self.process.pid

    def exit_code(self) -> int | None:
        return self.process.exitcode


@dataclass(slots=True, kw_only=True)
class Kept:
    """A process that is started again whenever it has ended."""

    name: str
    start: Callable[[], _Process]
    chance: random.Random
    process: _Process | None = None
    exit_codes: Counter[int] = field(default_factory=Counter)
    _starts_at: float = 0.0

    def keep(self) -> None:
        """Start it, if it has ended and its pause is over."""
        if self.process is not None and (code := self.process.exit_code()) is not None:
            self.exit_codes[code] += 1
            self.process = None
            self._starts_at = time.monotonic() + self.chance.random() * _MAX_RESTART_SECONDS
        if self.process is None and time.monotonic() >= self._starts_at:
            self.process = self.start()

    def kill(self) -> bool:
        """Kill it, as ``kill -9`` does; return whether it was running."""
        if self.process is None or self.process.exit_code() is not None:
            return False
        os.kill(self.process.pid or 0, signal.SIGKILL)
        return True

    def end(self, *, by: signal.Signals = signal.SIGKILL, seconds: float = 60.0) -> int | None:
        """End it for good; return its exit code, None where it was not running."""
        if self.process is None or self.process.exit_code() is not None:
            return None
        os.kill(self.process.pid or 0, by)
        deadline = time.monotonic() + seconds
        while self.process.exit_code() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        code, self.process = self.process.exit_code(), None
        return code

    @property
    def unexpected(self) -> dict[int, int]:
        """Return how often it has ended with which exit code, but for kills and a lost database."""
        return {code: count for code, count in self.exit_codes.items() if code not in _EXPECTED}


def forked(target: Callable[..., None], *arguments: Any) -> Callable[[], _Process]:
    """Return what starts a function in a process that has nothing of this one's threads and connections."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.kills.evaluator"])

    def start() -> _Process:
        process = context.Process(target=target, args=arguments, daemon=True)
        process.start()
        return _Fork(process)

    return start


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def served(contest: Path, store: Path, port: int, log: Path) -> Callable[[], _Process]:
    """Return what starts `unlearn serve`."""
    words = (
        "serve",
        contest,
        "--origin",
        "http://localhost",
        "--port",
        port,
        "--unsafe-user",
        "--store",
        store,
    )

    def start() -> _Process:
        with log.open("ab") as output:
            return _Command(
                subprocess.Popen(
                    command_line(*words),
                    cwd=ROOT,
                    env=command_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            )

    return start


def kill_server(server: Server, chance: random.Random) -> str:
    """Kill a database server in one of the ways in which one dies; it answers again afterwards.

    Returns:
        In which way: all of its processes, or one that serves a connection, after which it ends all of its
        connections by itself; at once back, or after a while.
    """
    if chance.random() < 0.3 and (backends := server.backends()):
        os.kill(chance.choice(backends), signal.SIGKILL)
        time.sleep(0.1)
        server.await_answer()
        return "server, by one of its processes"
    server.kill()
    if chance.random() < 0.5:
        time.sleep(chance.random() * 0.5)
        server.start()
        return "server, down for a moment"
    server.start()
    return "server, at once back"


def traces_in(log: Path) -> list[str]:
    """Return the last lines of tracebacks in a log; nothing that fails by a kill may print one."""
    if not log.exists():
        return []
    return re.findall(r"Traceback[^\n]*\n(?: [^\n]*\n)+([^\n]*)", log.read_text(errors="replace"))
