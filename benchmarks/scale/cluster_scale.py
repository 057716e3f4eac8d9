"""How much of one node's rate each of four nodes of a Ray cluster has, with runs that sleep.

``python -m benchmarks.scale.cluster_scale`` executes the same runs on one node and on four, all here,
and prints the time on one divided by four times the time on four. Opening nodes is not counted; starting and
ending shares, and sending what comes of runs, is. Also printed: the memory of a node's agent.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.errors import errors_as_sentences
from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.clients.runs import PlannedRun
from runner.cluster.pool import ClusterPool
from runner.engine.connect import connect_engine
from runner.image.image import require_image
from runner.submission.load import Submission
from runner.units import MIB
from tests.runner.conftest import ChallengeFolder
from tests.support.cluster.executor import cluster_executor
from tests.support.cluster.fake_worker import SleepingWorker
from tests.support.cluster.ray_cluster import pool_of, ray_cluster
from tests.support.fake_executor import MemorySink

NODES: Final = 4


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=240)
    parser.add_argument("--seconds", type=float, default=0.5, help="Of each run.")
    arguments = parser.parse_args()
    times: dict[int, float] = {}
    agents: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        challenge = load_challenge(ChallengeFolder(Path(folder) / "challenge").describe(Limits()))
        image = require_image(connect_engine())
        submission = Submission(name="sleeps", sha256="b" * 64, archive=str(arguments.seconds).encode())
        planned = [PlannedRun(index=index, seed=index) for index in range(arguments.runs)]
        with ray_cluster(1) as cluster:
            for nodes in (1, NODES):
                while len(cluster.nodes) < nodes:
                    cluster.add_node()
                with pool_of(cluster, challenge, image, worker=SleepingWorker) as pool:
                    wait_for(pool, nodes)
                    with cluster_executor(
                        pool, challenge, MemorySink(), submission=submission, image=image
                    ) as executor:
                        begun = time.monotonic()
                        number = sum(1 for _run in executor.execute(planned, enough=lambda: False))
                        times[nodes] = time.monotonic() - begun
                    assert number == len(planned)
            agents = agent_bytes()
    table = Table("", "")
    table.add_row("runs", f"{arguments.runs} of {arguments.seconds:g} s")
    for nodes, seconds in times.items():
        table.add_row(f"seconds on {nodes}", f"{seconds:.1f}")
    table.add_row("efficiency", f"{times[1] / (NODES * times[NODES]):.2f}")
    table.add_row("memory of a node's agent, MiB", f"{max(agents, default=0) / MIB:.0f}")
    Console().print(table)


def wait_for(pool: ClusterPool, nodes: int) -> None:
    """Wait until so many nodes can be used."""
    deadline = time.monotonic() + 600
    while pool.nodes() < nodes:
        if time.monotonic() > deadline:
            raise SystemExit(f"{pool.nodes()} of {nodes} nodes can be used. {pool.problems()}")
        time.sleep(0.5)


def agent_bytes() -> list[int]:
    """Return the resident memory of each agent."""
    return [
        process.memory_info().rss
        for process in psutil.Process().children(recursive=True)
        if (process.cmdline()[:1] or [""])[0].startswith("ray::NodeAgent")
    ]


if __name__ == "__main__":
    with errors_as_sentences():
        main()
