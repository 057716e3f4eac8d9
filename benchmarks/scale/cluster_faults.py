"""Kill and suspend what a Ray cluster consists of, at random moments: nothing is lost, doubled or left.

``python -m benchmarks.scale.cluster_faults --kills 100`` has three nodes on this machine and one evaluation
after the other, whose runs sleep beside a container for each share. Needs Ray (``make test-cluster`` installs
it), an engine and the image.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from runner.challenge.limits import Limits
from runner.engine.connect import connect_engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.errors import RunnerError
from runner.store.open_store import open_store
from runner.store.records import RunRecord
from tests.runner.conftest import ChallengeFolder
from tests.support.cluster.coordinator import NAME, PROGRESS
from tests.support.cluster.ray_cluster import ENVIRONMENT, RayCluster
from tests.support.paths import ROOT

LEASE_SECONDS: Final = 20.0
_RUNS: Final = 90
_RUN_SECONDS: Final = "0.5"
_PATIENCE_SECONDS: Final = 900.0
KINDS: Final = ("device", "suspended device", "agent", "node", "suspended node", "coordinator", "head")
_WEIGHTS: Final = (8, 4, 5, 4, 4, 3, 1)
_SUSPENDED_SECONDS: Final = (5.0, 60.0)
"""How long a node is suspended: it may come back in time, or after it was given up."""
_RESUMED_SECONDS: Final = 20.0
"""In which a node that came back may do what it should not."""


class SuspendedNode:
    """A node all of whose processes stand still, as others see one whose network is cut, until it goes on."""

    def __init__(self, node: Any, until: float) -> None:  # noqa: ANN401 - Ray's
        """Suspend a node until a moment of the monotonic clock."""
        self.node, self._until = node, until
        self._ends_at: float | None = None
        self._processes = self._of_node()
        for process in self._processes:
            with contextlib.suppress(psutil.Error):
                process.suspend()

    def may_end(self, *, at_once: bool) -> bool:
        """Let it go on if its time has come; return whether it has gone on for a while, and may be ended."""
        if self._ends_at is None:
            if not at_once and time.monotonic() < self._until:
                return False
            for process in self._processes:
                with contextlib.suppress(psutil.Error):
                    process.resume()
            self._ends_at = time.monotonic() + _RESUMED_SECONDS
        return at_once or time.monotonic() >= self._ends_at

    def _of_node(self) -> list[psutil.Process]:
        found: list[psutil.Process] = []
        for started in self.node.all_processes.values():
            for each in started:
                with contextlib.suppress(psutil.Error):
                    process = psutil.Process(each.process.pid)
                    found += [process, *process.children(recursive=True)]
        return found


class Faults:
    """A cluster, an evaluation, and what happens to them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._random = folder, random.Random(seed)
        self._challenge = ChallengeFolder(folder / "challenge").describe(Limits())
        self.cluster = RayCluster()
        for _ in range(3):
            self.cluster.add_node()
        self._suspended: list[SuspendedNode] = []
        self.kills: Counter[str] = Counter()
        self.problems: list[str] = []
        self.evaluations = 0
        self.pickups: list[float] = []
        """Seconds from the death of a node that had runs to the moment at which they waited for others."""
        self.refusals: Counter[str] = Counter()
        """How coordinators ended that were not killed."""

    def evaluate(self, kills: int) -> int:
        """Evaluate once, with at most so many kills meanwhile; return how many there were.

        Between two kills something is published, or all would die before they have begun.
        """
        store = self._folder / f"store {self.evaluations}"
        published: dict[int, RunRecord] = {}
        done, started_at = 0, time.monotonic()
        process = self._coordinator(store)
        next_at, published_before = time.monotonic(), 0
        killed_nodes: list[float] = []
        while True:
            time.sleep(0.5)
            self._remember(store, published)
            self._resume_nodes()
            code = process.poll()
            if code == 0:
                break
            if code is not None:
                output = process.stdout.read() if process.stdout is not None else ""
                self.refusals[
                    "killed" if code < 0 else output.strip().splitlines()[-1][:60] or str(code)
                ] += 1
                process = self._coordinator(store)
            if time.monotonic() - started_at > _PATIENCE_SECONDS:
                self.problems.append(f"evaluation {self.evaluations} did not end")
                process.kill()
                break
            if len(published) > published_before and done < kills and time.monotonic() >= next_at:
                killed_at = time.time()
                kind = self._random.choices(KINDS, _WEIGHTS)[0]
                if self._kill(kind, process):
                    done += 1
                    self.kills[kind] += 1
                    if kind == "node":
                        killed_nodes.append(killed_at)
                    published_before = len(published)
                next_at = time.monotonic() + self._random.uniform(0.0, 5.0)
        process.wait()
        self._resume_nodes(at_once=True)
        self._remember(store, published)
        self._audit(store, published)
        self._time_pickups(store, killed_nodes)
        self.evaluations += 1
        return done

    def _coordinator(self, store: Path) -> subprocess.Popen[str]:
        words = (self.cluster.address, store, self._challenge, _RUNS, _RUN_SECONDS, LEASE_SECONDS)
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.cluster.coordinator", *map(str, words)],
            env={**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _remember(self, store: Path, published: dict[int, RunRecord]) -> None:
        """Require that what was published before is as it was."""
        try:
            with closing(open_store(store, create=False)) as opened:
                runs = opened.runs(NAME)
        except RunnerError:
            return  # it does not exist yet
        for run in runs:
            before = published.setdefault(run.index, run)
            if run.evaluated and not before.evaluated:
                published[run.index] = run
            elif (before.checkpoint_sha256, before.seed) != (run.checkpoint_sha256, run.seed) or (
                before.evaluated and before != run
            ):
                self.problems.append(f"run {run.index} was published twice")

    def _audit(self, store: Path, published: dict[int, RunRecord]) -> None:
        if sorted(published) != list(range(_RUNS)):
            self.problems.append(f"{_RUNS - len(published)} runs are lost")
        with closing(open_store(store, create=False)) as opened:
            unevaluated = [run.index for run in opened.runs(NAME) if not run.evaluated]
        if unevaluated:
            self.problems.append(f"runs without outputs: {unevaluated}")
        outputs = len(list((store / NAME / "outputs").glob("*.npz")))
        if outputs != _RUNS:
            self.problems.append(f"{outputs} files of outputs for {_RUNS} runs")
        deadline = time.monotonic() + 3 * LEASE_SECONDS
        while (left := containers()) and time.monotonic() < deadline:
            time.sleep(1.0)
        if left:
            self.problems.append(f"{len(left)} containers are left")

    def _time_pickups(self, store: Path, killed_nodes: Sequence[float]) -> None:
        file = store / PROGRESS
        lines = file.read_text().splitlines() if file.exists() else []
        moments = [float(line.split()[0]) for line in lines if line.endswith(" executed again.")]
        for killed_at in killed_nodes:
            after = [moment - killed_at for moment in moments if moment > killed_at]
            if after and min(after) < 2 * LEASE_SECONDS + 30:
                self.pickups.append(min(after))

    def close(self) -> None:
        """End everything, nodes that are suspended too: they could not end by themselves."""
        try:
            self._resume_nodes(at_once=True)
        finally:
            self.cluster.close()

    def _kill(self, kind: str, coordinator: subprocess.Popen[str]) -> bool:
        """Kill or suspend something; return False if there is nothing of the kind."""
        if kind == "coordinator":
            coordinator.kill()
        elif kind == "head":
            self._resume_nodes(at_once=True)
            coordinator.kill()
            self.cluster.close()
            self.cluster = RayCluster()
            for _ in range(3):
                self.cluster.add_node()
        elif kind == "node":
            self.cluster.kill_node(self._random.choice(self.cluster.nodes))
            self.cluster.add_node()
        elif kind == "suspended node":
            seconds = self._random.uniform(*_SUSPENDED_SECONDS)
            node = self.cluster.nodes.pop(self._random.randrange(len(self.cluster.nodes)))
            self._suspended.append(SuspendedNode(node, time.monotonic() + seconds))
            self.cluster.add_node()
        else:
            return self._kill_actor(kind)
        return True

    def _kill_actor(self, kind: str) -> bool:
        """Kill or suspend the process of an actor; return False if there is none."""
        processes = self._processes("ray::NodeAgent" if kind == "agent" else "ray::ContainerWorker")
        if not processes:
            return False
        process = self._random.choice(processes)
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGSTOP if kind == "suspended device" else signal.SIGKILL)
            return True
        return False

    def _resume_nodes(self, *, at_once: bool = False) -> None:
        """Let nodes go on whose time has come, and then end them: others have taken their places."""
        for suspended in list(self._suspended):
            if suspended.may_end(at_once=at_once):
                self._suspended.remove(suspended)
                self.cluster.nodes.append(suspended.node)
                self.cluster.kill_node(suspended.node)

    def _processes(self, name: str) -> list[psutil.Process]:
        """Return the actors of a class among the descendants of this process."""
        found = []
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.cmdline()[:1] and process.cmdline()[0].startswith(name):
                    found.append(process)
        return found


def containers() -> list[str]:
    """Return the containers of the evaluation."""
    return [identity for identity, _labels in connect_engine().containers({EVALUATION_LABEL: NAME})]


def main() -> None:
    """Kill as often as requested, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3600.0, help="Begin no evaluation after so long.")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        faults = Faults(Path(folder), arguments.seed)
        try:
            left = arguments.kills
            while left > 0 and time.monotonic() - begun < arguments.seconds:
                left -= faults.evaluate(min(left, 10))
                print(dict(faults.kills), faults.problems, f"{time.monotonic() - begun:.0f} s", flush=True)
        finally:
            faults.close()
    table = Table("", "number")
    for kind in KINDS:
        table.add_row(f"kills: {kind}", str(faults.kills[kind]))
    table.add_row("kills", str(faults.kills.total()))
    table.add_row("evaluations", str(faults.evaluations))
    table.add_row("runs", str(faults.evaluations * _RUNS))
    table.add_row("lost, doubled or left", str(len(faults.problems)))
    if faults.pickups:
        table.add_row("longest from a node's death until its runs waited, s", f"{max(faults.pickups):.1f}")
    for ending, count in faults.refusals.items():
        table.add_row(f"coordinators ended: {ending}", str(count))
    table.add_row("seconds", f"{time.monotonic() - begun:.0f}")
    Console().print(table)
    for problem in faults.problems:
        print(problem)
    raise SystemExit(1 if faults.problems else 0)


if __name__ == "__main__":
    main()
