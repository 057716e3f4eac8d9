"""Measure the runner's resident memory while submissions flood it with output.

Each kind of flood runs for a while in several worker containers at a time, so that their output adds up.
The table shows the runner's resident memory before, its highest value meanwhile and the growth,
and how much the runs reported to have written. A thread samples the memory with psutil; an ordinary
submission with its checkpoints is the baseline.
"""

from __future__ import annotations

import argparse
import gc
import io
import re
import resource
import threading
import time
import zipfile
from collections import Counter
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
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.engine.container_spec import FIRST_UID, worker_container
from runner.engine.session import container_session
from runner.execution.containers import Containers, one_run_challenge
from runner.image.image import Image, require_image
from runner.submission.load import Submission
from runner.units import MIB

PROLOGUE = """
import os, struct, torch
BLOCK = bytes(range(256)) * 4096
def write(fd, data):
    left = memoryview(data)
    while left: left = left[os.write(fd, left):]
    return len(data)
def result_pipes():
    for fd in range(3, 64):
        try: os.fstat(fd)
        except OSError: continue
        yield fd
"""
KINDS = {
    "an ordinary submission": """
def unlearning(net, retain, forget, val): pass
""",
    "stdout and stderr": """
def unlearning(net, retain, forget, val):
    written = 0
    while written < FLOOD_BYTES:
        written += write(1, BLOCK) + write(2, BLOCK)
    write(1, b"\\nwritten=%d\\n" % written)
""",
    "garbage as result": """
def unlearning(net, retain, forget, val):
    for fd in result_pipes():
        try:
            while True: write(fd, BLOCK)
        except OSError: pass
""",
    "lengths of 2^63 as result": """
def unlearning(net, retain, forget, val):
    for fd in result_pipes():
        try:
            write(fd, struct.pack(">cQ", b"CE"[torch.initial_seed() % 2:][:1], (1 << 63) - 1))
            while True: write(fd, BLOCK)
        except OSError: pass
""",
    "the longest error, never ended": """
def unlearning(net, retain, forget, val):
    for fd in result_pipes():
        try: write(fd, struct.pack(">cQ", b"E", 1 << 16) + b"[" * ((1 << 16) - 1))
        except OSError: pass
    while True: write(1, BLOCK)
""",
    "forged frames on every fd": """
def unlearning(net, retain, forget, val):
    frame = struct.pack(">I", (1 << 32) - 1) + b'{"kind":"finished","index":0}'
    for fd in list(range(256)):
        try:
            for _ in range(1000): write(fd, frame)
        except OSError: pass
""",
    "a checkpoint with a giant header": """
def unlearning(net, retain, forget, val):
    body = struct.pack("<Q", (1 << 62)) + bytes(1 << 12)
    for fd in result_pipes():
        try: write(fd, struct.pack(">cQ", b"C", len(body)) + body)
        except OSError: pass
    while True: pass
""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodResult:
    """Effect of one kind of flood on the host."""

    before_bytes: int
    highest_bytes: int
    seconds: float
    samples: int
    written_bytes: int
    """As far as the runs report it."""
    verdicts: Mapping[str, int]


class Sampler:
    """Context manager that samples this process's resident memory in a thread."""

    def __init__(self) -> None:
        """Take the first sample."""
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.before_bytes = self.highest_bytes = self._process.memory_info().rss
        self.samples = 0

    def _sample(self) -> None:
        while not self._stop.wait(0.005):
            self.highest_bytes = max(self.highest_bytes, self._process.memory_info().rss)
            self.samples += 1

    def __enter__(self) -> Sampler:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the thread."""
        self._stop.set()
        self._thread.join()


def packed(source: str, flood_bytes: int) -> Submission:
    """Return a submission of this source, packed for the container."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("submission.py", f"FLOOD_BYTES = {flood_bytes}\n{PROLOGUE}{source}")
    data = archive.getvalue()
    return Submission(name="flood", sha256=sha256(data).hexdigest(), archive=data)


def measure(
    *,
    engine: Engine,
    image: Image,
    labels: Mapping[str, str],
    challenge: Challenge,
    submission: Submission,
    runs: int,
) -> FloodResult:
    """Execute the runs of one kind as `unlearn run` does: each container has one run at a time."""
    gc.collect()
    verdicts, written = Counter[str](), 0
    limits = challenge.description.limits
    started_at = time.monotonic()
    single = one_run_challenge(challenge)
    spec = worker_container(image=image.tag, limits=single.description.limits, labels=dict(labels))
    containers = Containers(
        start=lambda _resources: engine.start(spec),
        connect=lambda stream: WorkerClient(
            stream=stream, challenge=single, submission=submission, runs=runs, first_uid=FIRST_UID
        ),
        concurrency=limits.concurrency,
        reuse=True,
    )
    with Sampler() as sampler, containers:
        for ended in containers.execute([PlannedRun(index=index, seed=index) for index in range(runs)]):
            verdicts[str(ended.judgement.verdict)] += 1
            written += _written(ended)
    return FloodResult(
        before_bytes=sampler.before_bytes,
        highest_bytes=sampler.highest_bytes,
        seconds=time.monotonic() - started_at,
        samples=sampler.samples,
        written_bytes=written,
        verdicts=verdicts,
    )


def _written(ended: EndedRun) -> int:
    report = re.search(rb"\nwritten=(\d+)\n", ended.log)
    return int(report[1]) if report else ended.log_bytes_dropped + len(ended.log)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--challenge", type=Path, default=Path("challenges/digits"))
    parser.add_argument("--runs", type=int, default=16)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--flood-mib", type=int, default=512, help="What a run writes to stdout and stderr.")
    parser.add_argument("--wall-seconds", type=float, default=20.0)
    options = parser.parse_args()
    challenge = load_challenge(options.challenge).with_limits(
        wall_seconds=options.wall_seconds,
        concurrency=options.concurrency,
        memory_bytes=512 * MIB,
        scratch_bytes=16 * MIB,
    )
    engine = connect_engine()
    image = require_image(engine)
    table = Table(
        title=f"{options.runs} runs of each kind, {options.concurrency} at once; memory of the runner, MiB"
    )
    for name in ("kind", "before", "highest", "growth", "written", "seconds", "samples", "verdicts"):
        table.add_column(name, justify="left" if name in ("kind", "verdicts") else "right")
    with container_session(engine) as labels:
        for kind, source in KINDS.items():
            result = measure(
                engine=engine,
                image=image,
                labels=labels,
                challenge=challenge,
                submission=packed(source, options.flood_mib * MIB),
                runs=options.runs,
            )
            table.add_row(
                kind,
                f"{result.before_bytes / MIB:.1f}",
                f"{result.highest_bytes / MIB:.1f}",
                f"{(result.highest_bytes - result.before_bytes) / MIB:.1f}",
                f"{result.written_bytes / MIB:.0f}",
                f"{result.seconds:.1f}",
                str(result.samples),
                ", ".join(f"{count} {verdict}" for verdict, count in result.verdicts.items()),
            )
            print(f"{kind}: {result}", flush=True)
    console = Console(width=140)
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"Highest resident memory of the runner since its start, by the kernel: {peak:.1f} MiB.")


if __name__ == "__main__":
    with errors_as_sentences():
        main()
