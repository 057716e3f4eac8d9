"""Measure how soon after its time limit a hostile run is ended, and all its processes are gone.

For each run, by the host's clock and counted from the limit:

* ended: the ``ended`` frame has arrived; the verdict is decided and the run's time stops;
* gone: the ``finished`` frame has arrived, or the host has killed the container and the engine reports
  its end. At that moment the host's process table is searched for the run's uid (with runtimes that
  show it); `alive` counts the processes that it still lists.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
import zipfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.errors import errors_as_sentences
from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.clients.runs import PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.api import Container, ContainerExit, Engine
from runner.engine.connect import connect_engine
from runner.engine.container_spec import FIRST_UID, worker_container
from runner.engine.session import container_session
from runner.image.image import Image, require_image
from runner.submission.load import Submission
from sandbox.protocol.frames import Decoder, Frame
from sandbox.protocol.messages import TO_WORKER, from_worker

SOURCE = """
import ctypes, os, signal, threading, time, torch

def loop():
    while True: pass

def sleep(): time.sleep(1000)

def ignores_signals():
    for number in range(1, signal.NSIG):
        try: signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError): pass
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    while True: pass

def holds_the_gil(): ctypes.PyDLL(None).sleep(1000)

def fork_bomb():
    while True:
        try: os.fork()
        except OSError: pass

def thread_bomb():
    while True:
        try: threading.Thread(target=time.sleep, args=(1000,)).start()
        except RuntimeError: time.sleep(0.001)

def fork_chain():
    while True:
        try:
            if os.fork(): time.sleep(1000) if os.getpid() == FIRST else os._exit(0)
        except OSError: pass

def memory_eater():
    held = []
    for _ in range(14):
        held.append(bytearray(os.urandom(1 << 20) * 50))
    while True:
        for block in held:
            for place in range(0, len(block), 4096): block[place] ^= 1

KINDS = [loop, sleep, ignores_signals, holds_the_gil, fork_bomb, thread_bomb, fork_chain, memory_eater]

def unlearning(net, retain, forget, val):
    global FIRST
    FIRST = os.getpid()
    KINDS[torch.initial_seed() % len(KINDS)]()
"""
KINDS = (
    *("loop", "sleep", "ignores signals", "holds the GIL in C"),
    *("fork bomb", "thread bomb", "fork chain", "memory eater"),
)


@dataclass(slots=True, kw_only=True)
class Times:
    """Moments of one run, by the host's monotonic clock."""

    sent: float
    ended: float | None = None
    gone: float | None = None
    alive: int = 0
    """Processes of its uid on the host when the run was reported as gone."""
    killed: bool = False
    """Whether the host had to kill the container."""


class Watched:
    """A container's stream that records when frames pass."""

    def __init__(self, container: Container, first_uid: int, checkpoint_bytes: int) -> None:
        """Decode both directions."""
        self._container, self._first_uid = container, first_uid
        self._out, self._in = Decoder(TO_WORKER), Decoder(from_worker(checkpoint_bytes=checkpoint_bytes))
        self.times: dict[int, Times] = {}

    @property
    def stderr(self) -> bytes:
        """Return the container's stderr."""
        return self._container.stderr

    def send(self, data: bytes | memoryview) -> None:
        """Send, and record when runs are requested."""
        for frame in self._out.feed(data):
            if frame.kind == "run":
                self.times[frame.integer("index")] = Times(sent=time.monotonic())
        self._container.send(data)

    def receive(self, seconds: float) -> bytes | None:
        """Receive, and record when runs end."""
        data = self._container.receive(seconds)
        for frame in self._in.feed(data or b""):
            self._record(frame)
        return data

    def _record(self, frame: Frame) -> None:
        if frame.kind == "ended":
            self.times[frame.integer("index")].ended = time.monotonic()
        elif frame.kind == "finished":
            times = self.times[frame.integer("index")]
            times.gone = time.monotonic()
            times.alive = _alive(self._first_uid + frame.integer("index"))

    def kill(self) -> None:
        """Kill the container, wait until the engine reports its end, and record the time."""
        self._container.kill()
        self._container.ending()
        now = time.monotonic()
        for index, times in self.times.items():
            if times.gone is None:
                times.ended, times.gone, times.killed = times.ended or now, now, True
                times.alive = _alive(self._first_uid + index)

    def ending(self, seconds: float = 10.0) -> ContainerExit | None:
        """Forward to the container."""
        return self._container.ending(seconds)

    def stood_still(self) -> bool:
        """Forward to the container."""
        return self._container.stood_still()

    def has_reached_memory_limit(self) -> bool | None:
        """Forward to the container."""
        return self._container.has_reached_memory_limit()

    def processes_ran_short(self) -> bool:
        """Forward to the container."""
        return self._container.processes_ran_short()

    def memory_bytes(self) -> int | None:
        """Forward to the container."""
        return self._container.memory_bytes()

    def memory_reports(self) -> int:
        """Forward to the container."""
        return self._container.memory_reports()

    def cpu_seconds(self) -> float | None:
        """Forward to the container."""
        return self._container.cpu_seconds()

    def is_running(self) -> bool:
        """Forward to the container."""
        return self._container.is_running()

    def remove(self) -> None:
        """Forward to the container."""
        self._container.remove()


def _alive(uid: int) -> int:
    """Return the number of processes of ``uid``; a helper that ends them has it as effective uid only."""
    count = 0
    for process in psutil.process_iter():
        try:
            count += process.uids().real == uid and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
    return count


def hostile() -> Submission:
    """Return the submission that chooses its kind by its seed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("submission.py", SOURCE)
    data = packed.getvalue()
    return Submission(name="hostile", sha256=sha256(data).hexdigest(), archive=data)


def attempt(
    engine: Engine, image: Image, labels: Mapping[str, str], challenge: Challenge, pending: deque[int]
) -> dict[int, Times]:
    """Execute runs in one container while it can be used; remove finished runs from ``pending``."""
    limits = challenge.description.limits
    container = engine.start(worker_container(image=image.tag, limits=limits, labels=dict(labels)))
    try:
        stream = Watched(container, FIRST_UID, 1 << 30)
        worker = WorkerClient(
            stream=stream, challenge=challenge, submission=hostile(), runs=len(pending), first_uid=FIRST_UID
        )
        for ended in worker.execute([PlannedRun(index=index, seed=index) for index in pending]):
            pending.remove(ended.index)
            verdict = ended.judgement.verdict
            print(f"run {ended.index} ({KINDS[ended.index % len(KINDS)]}): {verdict}", flush=True)
        return {index: times for index, times in stream.times.items() if index not in pending}
    finally:
        container.remove()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--challenge", type=Path, default=Path("challenges/digits"))
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--wall-seconds", type=float, default=1.0)
    parser.add_argument(
        "--processes", type=int, default=256, help="Limit of one run, and so the size of a fork bomb."
    )
    parser.add_argument("--only", choices=KINDS, help="One kind instead of all in turn.")
    options = parser.parse_args()
    challenge = load_challenge(options.challenge).with_limits(
        wall_seconds=options.wall_seconds,
        concurrency=1,
        memory_bytes=1 << 30,
        processes=options.processes,
    )
    limits = challenge.description.limits
    engine = connect_engine()
    image = require_image(engine)
    step, first = (len(KINDS), KINDS.index(options.only)) if options.only else (1, 0)
    pending, times = deque(range(first, first + options.runs * step, step)), dict[int, Times]()
    containers = 0
    with container_session(engine) as labels:
        while pending:
            times |= attempt(engine, image, labels, challenge, pending)
            containers += 1
    show(times, options.wall_seconds, containers, limits.processes)


def show(times: Mapping[int, Times], wall_seconds: float, containers: int, processes: int) -> None:
    """Print a row of times for each kind."""
    table = Table(
        title=f"{len(times)} hostile runs in {containers} containers, limit {wall_seconds:g} s, "
        f"{processes} processes: seconds after the limit"
    )
    for name in ("kind", "runs", "ended: median", "maximum", "gone: median", "maximum", "killed", "alive"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    rows = {kind: [times[i] for i in times if KINDS[i % len(KINDS)] == kind] for kind in KINDS}
    for kind, runs in {**rows, "all": list(times.values())}.items():
        if not runs:
            continue
        ended = [run.ended - run.sent - wall_seconds for run in runs if run.ended is not None]
        gone = [run.gone - run.sent - wall_seconds for run in runs if run.gone is not None]
        figures = [statistics.median(ended), max(ended), statistics.median(gone), max(gone)]
        table.add_row(
            kind,
            str(len(runs)),
            *(f"{figure:.3f}" for figure in figures),
            str(sum(run.killed for run in runs)),
            str(sum(run.alive for run in runs)),
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    with errors_as_sentences():
        main()
