"""Measure the cost of the wall: sealed runs, the same calls in one plain loop, and a container per run.

Prints ratios from one session on one machine:

* sealed runs / plain loop, start-up excluded and included, on all cores of the challenge
  (the plain loop with torch's own choice of threads, as the contest's driver had it, and
  with one thread) and pinned to one core (one run at a time, one thread each);
* one container per run / sealed runs, from a sample of containers.

The order of the measurements alternates between repeats; the figures are medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.errors import errors_as_sentences
from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.clients.channel import Channel
from runner.clients.runs import PlannedRun
from runner.clients.worker import WORKER_DATA, WorkerClient
from runner.engine.api import Engine, Stream
from runner.engine.connect import connect_engine
from runner.engine.container_spec import FIRST_SLOT_GID, FIRST_UID, worker_container
from runner.engine.session import container_session
from runner.execution.containers import Containers, one_run_challenge
from runner.execution.cores import HostCores, cores_of
from runner.image.image import require_image
from runner.submission.load import Submission, load_submission
from runner.verdict import Verdict
from sandbox.protocol.frames import FrameRule
from sandbox.protocol.jobs import WorkerJob

PLAIN_LOOP = (Path(__file__).parent / "plain_loop.py").read_text()
PLAIN_RULES = {"ready": FrameRule(fields={"seconds": float}), "done": FrameRule(fields={"seconds": float})}
SAMPLES = Path(__file__).parent.parent / "sample_submissions"


class Bench:
    """Resources that the measurements share."""

    def __init__(self, engine: Engine, labels: dict[str, str], challenge: Challenge, name: str) -> None:
        """Load the submission; start no container."""
        self.engine, self.labels, self.challenge = engine, labels, challenge
        self.image = require_image(engine)
        self.source = (SAMPLES / name / "submission.py").read_bytes()
        self.submission: Submission = load_submission(SAMPLES / name)

    def _with_limits(self, limits: Limits) -> Challenge:
        return self.challenge.with_limits(**limits.model_dump())

    def sealed(self, runs: int, limits: Limits, pinned: str, *, reuse: bool = True) -> tuple[float, float]:
        """Return seconds without and with start-up of ``runs`` sealed runs, executed as `unlearn run` does.

        Start-up ends when the last of the containers is ready that begin together.
        """
        challenge = one_run_challenge(self._with_limits(limits))
        cores = HostCores(cores_of(self.engine.info()))
        ready: list[float] = []

        def connect(stream: Stream) -> WorkerClient:
            worker = WorkerClient(
                stream=stream,
                challenge=challenge,
                submission=self.submission,
                runs=-(-runs // limits.concurrency) if reuse else 1,
                first_uid=FIRST_UID,
            )
            ready.append(time.monotonic())
            return worker

        def start(resources: ExitStack) -> Stream:
            own = resources.enter_context(cores.of_a_container(challenge.description.limits.cpus))
            spec = worker_container(
                image=self.image.tag,
                limits=challenge.description.limits,
                labels=self.labels,
                cpu_set=pinned or own,
            )
            return self.engine.start(spec)

        started_at = time.monotonic()
        containers = Containers(
            start=start,
            connect=connect,
            concurrency=limits.concurrency,
            reuse=reuse,
        )
        with containers:
            for ended in containers.execute([PlannedRun(index=i, seed=i) for i in range(runs)]):
                assert ended.judgement.verdict is Verdict.OK, ended.judgement
            done = time.monotonic()
        return done - max(ready[: limits.concurrency]), time.monotonic() - started_at

    def plain(self, runs: int, limits: Limits, pinned: str, threads: int) -> tuple[float, float]:
        """Return seconds without and with start-up of ``runs`` calls in one loop."""
        started_at = time.monotonic()
        spec = worker_container(image=self.image.tag, limits=limits, labels=self.labels)
        spec = replace(spec, cpu_set=pinned, cpus=limits.cpus)
        environment = {name: value for name, value in spec.environment.items() if name != "OMP_NUM_THREADS"}
        environment["PLAIN_THREADS"] = str(threads)
        spec = replace(spec, command=("/opt/venv/bin/python", "-c", PLAIN_LOOP), environment=environment)
        container = self.engine.start(spec)
        try:
            channel = Channel(container, PLAIN_RULES)
            description = self.challenge.description
            job = WorkerJob(
                architecture=description.architecture,
                classes=description.classes,
                item_format=description.item_format,
                batch_size=description.batch_size,
                device="cpu",
                concurrency=1,
                threads=1,
                runs=runs,
                first_uid=FIRST_UID,
                first_slot_gid=FIRST_SLOT_GID,
                wall_seconds=1.0,
                checkpoint_bytes=1,
                log_bytes=1,
                processes=1,
            )
            channel.send("job", job.to_json())
            for name in WORKER_DATA:
                channel.send("data", self.challenge.data(name), name=name)
            channel.send("data", self.source, name="submission.py")
            channel.await_ready()
            seconds = channel.await_frame(3600.0).number("seconds")
            return seconds, time.monotonic() - started_at
        finally:
            container.remove()


def alternate(repeats: int, measures: dict[str, Callable[[], Any]]) -> dict[str, list[Any]]:
    """Return the results of each measure, taken in turns and in alternating order."""
    results: dict[str, list[Any]] = {name: [] for name in measures}
    for turn in range(repeats):
        for name in list(measures) if turn % 2 == 0 else list(reversed(measures)):
            results[name].append(measures[name]())
            print(f"  {name}: {results[name][-1]}", file=sys.stderr)
    return results


def median(pairs: list[tuple[float, float]], which: int) -> float:
    """Return the median of the times without (0) or with (1) start-up."""
    return statistics.median(pair[which] for pair in pairs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--challenge", type=Path, default=Path("challenges/digits"))
    parser.add_argument("--submission", default="finetune")
    parser.add_argument("-n", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--containers", type=int, default=8)
    options = parser.parse_args()
    challenge = load_challenge(options.challenge)
    engine = connect_engine()
    limits = challenge.description.limits
    single_core = limits.with_changes(cpus=1.0, concurrency=1)
    with container_session(engine) as labels:
        bench = Bench(engine, labels, challenge, options.submission)
        times = alternate(
            options.repeats,
            {
                "sealed": lambda: bench.sealed(options.n, limits, ""),
                "plain, torch's threads": lambda: bench.plain(options.n, limits, "", 0),
                "plain, one thread": lambda: bench.plain(options.n, limits, "", 1),
                "sealed, one core": lambda: bench.sealed(options.n, single_core, "0"),
                "plain, one core": lambda: bench.plain(options.n, single_core, "0", 1),
            },
        )
        workers = limits.concurrency
        _seconds, with_start_up = bench.sealed(options.containers, limits, "", reuse=False)
        per_container = with_start_up / options.containers
    table = Table(
        title=f"{options.n} runs of {options.submission} on {challenge.description.name}, "
        f"medians of {options.repeats}"
    )
    for name in ("", "seconds", "with start-up"):
        table.add_column(name, justify="right" if name else "left")
    for name, pairs in times.items():
        table.add_row(name, f"{median(pairs, 0):.2f}", f"{median(pairs, 1):.2f}")
    table.add_row(
        f"one container per run, {workers} at once (from {options.containers})",
        "",
        f"{per_container * options.n:.1f}",
    )
    console = Console(width=110)
    console.print(table)
    for which, word in ((0, "excluded"), (1, "included")):
        sealed = median(times["sealed"], which)
        line = ", ".join(
            f"{sealed / median(times[name], which):.3f} of {name}"
            for name in ("plain, torch's threads", "plain, one thread")
        )
        alone = median(times["sealed, one core"], which) / median(times["plain, one core"], which)
        console.print(f"start-up {word}: sealed takes {line}; on one core {alone:.3f} of plain")
    ratio = per_container * options.n / median(times["sealed"], 1)
    console.print(f"one container per run takes {ratio:.1f} times as long as sealed, start-up included")


if __name__ == "__main__":
    with errors_as_sentences():
        main()
