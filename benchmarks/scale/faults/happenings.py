"""What can happen to a cluster: processes that are killed or suspended, machines cut off, services gone."""

from __future__ import annotations

import contextlib
import math
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from benchmarks.engine_restart import OwnEngine
from benchmarks.scale.faults.audit import Loss
from benchmarks.scale.faults.machines import Machine, Machines
from tests.support.databases.server import Server

KINDS: Final = {
    "device": 14,
    "suspended device": 10,
    "agent": 12,
    "node": 12,
    "suspended node": 8,
    "cut node": 12,
    "coordinator": 10,
    "suspended coordinator": 5,
    "head": 4,
    "engine": 7,
    "database": 6,
}
"""What is killed, suspended or cut off, and how often of a hundred."""
_CUT_SECONDS: Final = (5.0, 300.0)
"""Shortest and longest cut; their logarithms are spread evenly."""
_SUSPENDED_SECONDS: Final = (5.0, 60.0)
"""How long a node is suspended: it may come back in time, or after it was given up."""
_AFTERWARDS_SECONDS: Final = 10.0
"""In which a machine that came back may do what it should not, before anything else happens to it."""
_PAUSE_SECONDS: Final = (0.0, 10.0)
"""Shortest and longest time without an engine or a database."""
_FEWEST: Final = 2
"""Machines that are always there."""


def order(kills: int, seed: int) -> list[str]:
    """Return the kinds of so many kills in random order: of each hundred, as many as `KINDS` states."""
    chance, kinds = random.Random(seed), list[str]()
    while len(kinds) < kills:
        hundred = [kind for kind, number in KINDS.items() for _ in range(number)]
        chance.shuffle(hundred)
        kinds += hundred
    return kinds[:kills]


class Later:
    """Actions whose time comes, each in a thread of its own, so that nothing else waits for them."""

    def __init__(self) -> None:
        self._pending: list[tuple[threading.Thread, threading.Event]] = []

    def add(self, seconds: float, action: Callable[[], object]) -> None:
        """Act after some seconds, or at the end."""
        now = threading.Event()

        def act() -> None:
            now.wait(seconds)
            action()

        thread = threading.Thread(target=act, name="later", daemon=True)
        self._pending.append((thread, now))
        thread.start()

    def finish(self) -> None:
        """Have everything done now, and wait until it is."""
        for thread, now in self._pending:
            now.set()
            thread.join()
        self._pending.clear()


class Happenings:
    """Does to a cluster what a kind of fault says."""

    def __init__(
        self, machines: Machines, engine: OwnEngine | None, server: Server | None, seed: int
    ) -> None:
        """Act on machines, and on an engine and a database server that are the benchmark's own, if given."""
        self._machines, self._engine, self._server = machines, engine, server
        self._random = random.Random(seed)
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="starter")
        """Starts the database: it ends with the thread that started it, which has to live on."""
        self.later = Later()
        self._losses: list[Loss] = []
        self.longest_cut = 0.0

    def losses(self) -> list[Loss]:
        """Return the machines that were lost since this was last asked."""
        taken, self._losses = self._losses, []
        return taken

    def forget_losses(self) -> None:
        """Attribute nothing that is reported from now on to the losses of machines until now."""
        now = time.time()
        self._losses = [replace(loss, until=min(loss.until, now)) for loss in self._losses]

    def can(self, kind: str) -> bool:
        """Return whether a kind of fault can happen here at all."""
        return not (
            (kind == "engine" and self._engine is None) or (kind == "database" and self._server is None)
        )

    def happen(self, kind: str) -> bool:
        """Do it; return False if there is nothing of the kind at present."""
        if kind in ("head", "engine", "database"):
            self.forget_losses()
        if kind == "head":
            self._machines.head.kill()
            self._machines.head.start()
            return True
        if kind == "engine":
            return self._end_engine()
        if kind == "database":
            return self._end_database()
        if kind in ("node", "suspended node", "cut node"):
            return self._lose_machine(kind)
        return self._kill_actor(kind)

    def _lose_machine(self, kind: str) -> bool:
        present = self._machines.present()
        if len(present) <= _FEWEST:
            return False
        machine = self._random.choice(present)
        self._record(machine, kind)
        if kind == "node":
            machine.kill()
            return True
        if kind == "cut node":
            shortest, longest = map(math.log, _CUT_SECONDS)
            seconds = math.exp(self._random.uniform(shortest, longest))
            self.longest_cut = max(self.longest_cut, seconds)
            machine.is_away = True
            machine.cut()
            self.later.add(seconds, machine.heal)
        else:
            seconds = self._random.uniform(*_SUSPENDED_SECONDS)
            machine.is_away = True
            machine.suspend()
            self.later.add(seconds, machine.resume)
        self.later.add(seconds + _AFTERWARDS_SECONDS, lambda: setattr(machine, "is_away", False))
        return True

    def _record(self, machine: Machine, kind: str = "") -> None:
        """Record that something happens to a machine, and a loss if it is of such a kind."""
        now = time.time()
        self._losses = [
            replace(loss, until=min(loss.until, now)) if loss.address == machine.address else loss
            for loss in self._losses
        ]
        if kind:
            self._losses.append(Loss(kind=kind, address=machine.address, at=now, until=math.inf))

    def _kill_actor(self, kind: str) -> bool:
        """Kill or suspend the process of an actor; return False if there is none."""
        name = "ray::NodeAgent" if kind == "agent" else "ray::ContainerWorker"
        found = [(machine, each) for machine in self._machines.present() for each in machine.actors(name)]
        if not found:
            return False
        machine, process = self._random.choice(found)
        self._record(machine)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP if kind == "suspended device" else signal.SIGKILL)
            return True
        return False

    def _end_engine(self) -> bool:
        assert self._engine is not None
        if not self._engine.answers():
            return False
        self._engine.end(self._random.choice([signal.SIGKILL, signal.SIGTERM]))
        self.later.add(self._random.uniform(*_PAUSE_SECONDS), self._engine.start)
        return True

    def _end_database(self) -> bool:
        assert self._server is not None
        if not self._server.is_running:
            return False
        self._server.stop("immediate")
        start = self._server.start
        self.later.add(self._random.uniform(*_PAUSE_SECONDS), lambda: self._starter.submit(start).result())
        return True
