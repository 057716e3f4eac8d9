"""Kill, suspend and cut off parts of a Ray cluster in random order: nothing is lost, doubled or left.

``python -m benchmarks.scale.cluster_faults --kills 100`` has four machines in network namespaces of this one,
one of which has a container engine of its own, a PostgreSQL server under the store, and one evaluation after
the other whose runs sleep beside a container for each share. Needs root, Ray (``make test-cluster`` installs
it), PostgreSQL, `dockerd`, the image, and 7 GB for its copy.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.engine_restart import OwnEngine, own_engine
from benchmarks.errors import errors_as_sentences
from benchmarks.scale.faults.audit import Audit
from benchmarks.scale.faults.happenings import KINDS, Happenings, order
from benchmarks.scale.faults.machines import Machines
from runner.challenge.limits import Limits
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.image.image import require_image
from tests.runner.conftest import ChallengeFolder
from tests.support.cluster.coordinator import STORE_LEASE_SECONDS
from tests.support.cluster.ray_cluster import ENVIRONMENT
from tests.support.databases.server import Server, binaries, running_server
from tests.support.paths import ROOT

LEASE_SECONDS: Final = 20.0
_MACHINES: Final = 4
_RUNS: Final = 90
_RUN_SECONDS: Final = "0.5"
_KILLS_OF_EACH: Final = 10
"""In one evaluation."""
_PATIENCE_SECONDS: Final = 900.0
_PAUSES: Final = (0.0, 5.0)
"""Shortest and longest time from one kill to the next, once something was published in between."""
_ZOMBIE_SECONDS: Final = 200.0
"""In which a coordinator that goes on after it was replaced has ended."""
TAKEN_OVER: Final = "TakenOverError"


class Evaluations:
    """Evaluations one after the other, and what happens meanwhile."""

    def __init__(self, folder: Path, machines: Machines, happenings: Happenings, *, seed: int) -> None:
        self._folder, self._machines, self._happenings = folder, machines, happenings
        self._challenge = ChallengeFolder(folder / "challenge").describe(Limits())
        self._random = random.Random(seed)
        self._zombies: list[tuple[subprocess.Popen[str], float]] = []
        """Suspended coordinators, and when they go on."""
        self.server: Server | None = None
        self.engines: list[Engine] = [connect_engine()]
        self.own_engine: OwnEngine | None = None
        self.kills: Counter[str] = Counter()
        self.problems: list[str] = []
        self.number = 0
        self.pickups: dict[str, list[float]] = {}
        """Seconds from the loss of a machine that had runs to the moment at which they waited for others."""
        self.endings: Counter[str] = Counter()
        """How coordinators ended that were not killed."""
        self.refused_zombies = 0

    def evaluate(self, kinds: Sequence[str]) -> list[str]:
        """Evaluate once, with kills meanwhile; return the kinds for which there was no occasion.

        Between two kills something is published, or all would die before they have begun.
        """
        store = self._folder / f"store {self.number}"
        store.mkdir()
        if self.server is not None:
            self.server.prepare(store)
        audit, waiting = Audit(store, _RUNS, self.problems), list(kinds)
        process, started_at = self._coordinator(store), time.monotonic()
        next_at, published_before = time.monotonic(), 0
        while (code := process.poll()) != 0:
            time.sleep(0.5)
            audit.remember()
            self._wake_zombies()
            if code is not None:
                if code != -signal.SIGKILL:
                    self.endings[_ending(process)] += 1
                process = self._coordinator(store)
            if time.monotonic() - started_at > _PATIENCE_SECONDS:
                self.problems.append(f"evaluation {self.number} did not end")
                process.kill()
                break
            if len(audit.published) > published_before and waiting and time.monotonic() >= next_at:
                kind = next((each for each in waiting if self._happen(each, process)), None)
                if kind is not None:
                    waiting.remove(kind)
                    self.kills[kind] += 1
                    published_before = len(audit.published)
                    if kind == "suspended coordinator":
                        process = self._coordinator(store)
                next_at = time.monotonic() + self._random.uniform(*_PAUSES)
        process.wait()
        self._wake_zombies(at_once=True)
        self._happenings.later.finish()
        audit.finish(self._all_engines)
        for kind, seconds in audit.pickups(self._happenings.losses()).items():
            self.pickups.setdefault(kind, []).extend(seconds)
        self.number += 1
        return waiting

    def _all_engines(self) -> list[Engine]:
        own = self.own_engine
        return [*self.engines, *([connect_engine(own.connect)] if own is not None else [])]

    def _happen(self, kind: str, coordinator: subprocess.Popen[str]) -> bool:
        if kind == "coordinator":
            self._happenings.forget_losses()
            coordinator.kill()
            return True
        if kind == "suspended coordinator":
            self._happenings.forget_losses()
            coordinator.send_signal(signal.SIGSTOP)
            longest = STORE_LEASE_SECONDS + LEASE_SECONDS
            goes_on_at = time.monotonic() + self._random.uniform(longest + 5.0, 2 * longest)
            self._zombies.append((coordinator, goes_on_at))
            return True
        return self._happenings.happen(kind)

    def _wake_zombies(self, *, at_once: bool = False) -> None:
        """Let suspended coordinators go on whose time has come; at the end, wait until all have ended."""
        for zombie, goes_on_at in list(self._zombies):
            if at_once or time.monotonic() >= goes_on_at:
                self._happenings.forget_losses()  # what it reports is of times long past
                zombie.send_signal(signal.SIGCONT)
            if at_once:
                try:
                    zombie.wait(_ZOMBIE_SECONDS)
                except subprocess.TimeoutExpired:
                    self.problems.append("a coordinator that was replaced goes on")
                    zombie.kill()
            if (code := zombie.poll()) is not None:
                ending = _ending(zombie)
                self._zombies.remove((zombie, goes_on_at))
                self.refused_zombies += ending.startswith(TAKEN_OVER)
                self.endings[f"after it was replaced: {ending}"] += 1
                if code == 0:
                    self.problems.append("a coordinator that was replaced ended as if it were not")

    def _coordinator(self, store: Path) -> subprocess.Popen[str]:
        address = self._machines.head.address
        words = (address, store, self._challenge, _RUNS, _RUN_SECONDS, LEASE_SECONDS)
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.cluster.coordinator", *map(str, words)],
            env={**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _ending(process: subprocess.Popen[str]) -> str:
    output = process.stdout.read().strip() if process.stdout is not None else ""
    return output.splitlines()[-1][:100] if output else f"exit code {process.returncode}"


@contextmanager
def prepared(seed: int, *, has_engine: bool) -> Iterator[tuple[Evaluations, Happenings]]:
    """Yield evaluations on a cluster whose parts are all started."""
    installed = binaries()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        server = stack.enter_context(running_server(installed, fsync="on")) if installed else None
        tag = require_image(connect_engine()).tag
        engine = stack.enter_context(own_engine([tag])) if has_engine else None
        machines = Machines(folder, _MACHINES, engines={1: engine.host} if engine is not None else {})
        stack.callback(machines.close)
        happenings = Happenings(machines, engine, server, seed)
        stack.callback(happenings.later.finish)
        evaluations = Evaluations(folder, machines, happenings, seed=seed)
        evaluations.server, evaluations.own_engine = server, engine
        yield evaluations, happenings


def main() -> None:
    """Kill as often as requested, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=7200.0, help="Begin no evaluation after so long.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="Kinds, separated by commas; empty for all.")
    parser.add_argument("--without-engine", action="store_true", help="No machine has an engine of its own.")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_arguments: sys.exit("ended by SIGTERM"))  # and everything with it
    begun = time.monotonic()
    with prepared(arguments.seed, has_engine=not arguments.without_engine) as (evaluations, happenings):
        wanted = set(arguments.only.split(",")) if arguments.only else set(KINDS)
        kinds = [
            kind
            for kind in order(100 * arguments.kills, arguments.seed)
            if kind in wanted and happenings.can(kind)
        ][: arguments.kills]
        while kinds and time.monotonic() - begun < arguments.seconds:
            left = evaluations.evaluate(kinds[:_KILLS_OF_EACH])
            kinds = [*left, *kinds[_KILLS_OF_EACH:]]
            seconds = time.monotonic() - begun
            print(dict(evaluations.kills), evaluations.problems, f"{seconds:.0f} s", flush=True)
    show(evaluations, happenings, time.monotonic() - begun)
    raise SystemExit(1 if evaluations.problems else 0)


def show(evaluations: Evaluations, happenings: Happenings, seconds: float) -> None:
    """Print what happened."""
    table = Table("", "number")
    for kind in KINDS:
        table.add_row(f"kills: {kind}", str(evaluations.kills[kind]))
    table.add_row("kills", str(evaluations.kills.total()))
    table.add_row("evaluations", str(evaluations.number))
    table.add_row("runs", str(evaluations.number * _RUNS))
    table.add_row("lost, doubled or left", str(len(evaluations.problems)))
    table.add_row("replaced coordinators that went on, and were refused", str(evaluations.refused_zombies))
    table.add_row("longest cut, s", f"{happenings.longest_cut:.0f}")
    for kind, figures in evaluations.pickups.items():
        longest = f"{max(figures):.1f} (of {len(figures)})"
        table.add_row(f"longest from a {kind} until its runs waited, s", longest)
    for ending, count in evaluations.endings.items():
        table.add_row(f"coordinators ended: {ending}", str(count))
    table.add_row("seconds", f"{seconds:.0f}")
    table.add_row("load at the end", f"{os.getloadavg()[0]:.1f}")
    Console(width=140).print(table)
    for problem in evaluations.problems:
        print(problem)


if __name__ == "__main__":
    with errors_as_sentences():
        main()
