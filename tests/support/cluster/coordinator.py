"""A coordinator in a process of its own, with a real store and runs that sleep.

``python -m tests.support.cluster.coordinator ADDRESS STORE CHALLENGE RUNS SECONDS LEASE`` executes what is not
finished of one evaluation, and ends with 0 once nothing is left. Each such process behaves as if it were on a
machine of its own: only the lease in the database keeps others out, and one that finds it taken waits for it.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from runner.challenge.load import load_challenge
from runner.cluster.executor import ClusterExecutor
from runner.engine.connect import connect_engine
from runner.errors import BusyError, RunnerError
from runner.evaluation.pending_runs import PendingRuns
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.image.image import require_image
from runner.store.database import Database
from runner.store.lease import Lease
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord
from runner.submission.load import Submission
from tests.support.cluster.fake_worker import ContainerWorker
from tests.support.cluster.ray_cluster import joined_pool

NAME: Final = "cluster-fault"
"""Of the evaluation."""
PROGRESS: Final = "progress.log"
"""A file in the store's folder: seconds since the epoch, and what is reported."""

STORE_LEASE_SECONDS: Final = 12.0
"""After which another process may take the evaluation from one that stands still."""
_PATIENCE_SECONDS: Final = 120.0


class FileReporter:
    """Writes what is reported to a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def step(self, text: str) -> None:
        """Write a line."""
        with self._file.open("a") as stream:
            stream.write(f"{time.time():.3f} {text}\n")

    def count(self, text: str, done: int, total: int) -> None:
        """Write a line."""
        self.step(f"{text} {done}/{total}")


@contextmanager
def lease_of_own(database: Database) -> Iterator[Lease]:
    """Take the lease of the evaluation as a process of another machine would; wait for it as long as it takes."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        lease = Lease(
            database,
            NAME,
            holder=f"process {os.getpid()}",
            place=uuid.uuid4().hex,
            lease_seconds=STORE_LEASE_SECONDS,
            beat_seconds=STORE_LEASE_SECONDS / 8,
        )
        try:
            with lease:
                yield lease
                return
        except BusyError:
            if lease.token or time.monotonic() > deadline:
                raise
        time.sleep(1.0)


def coordinate(
    address: str, folder: Path, challenge_folder: Path, n: int, seconds: str, lease: float
) -> None:
    """Execute what is not finished.

    Args:
        address: Of Ray's head.
        folder: Of the store.
        challenge_folder: Of the challenge.
        n: Runs.
        seconds: Which each takes, as text.
        lease: Seconds after which a device that does not answer is lost.
    """
    challenge, engine = load_challenge(challenge_folder), connect_engine()
    image = require_image(engine)
    submission = Submission(name="sleeps", sha256="b" * 64, archive=seconds.encode())
    with (
        closing(open_store(folder, create=True)) as store,
        lease_of_own(store.database) as held,
    ):
        store.begin(
            EvaluationRecord(
                id=NAME,
                submission_sha256=submission.sha256,
                submission=submission.name,
                archive_bytes=len(submission.archive),
                challenge=challenge.description.name,
                challenge_sha256=challenge.sha256,
                image=image.digest,
                n=n,
            )
        )
        with joined_pool(address, challenge, image, worker=ContainerWorker, lease_seconds=lease) as pool:
            PendingRuns(
                context=EvaluationContext(
                    engine=engine,
                    info=engine.info(),
                    image=image,
                    store=store,
                    folder=folder,
                    labels={},
                    reporter=FileReporter(folder / PROGRESS),
                ),
                submission=submission,
                challenge=challenge,
                settings=Settings(n=n, keep_going=True, keep_checkpoints=False),
                name=NAME,
                paths=EvaluationPaths(folder=folder / NAME),
                lease=held,
                new_executor=partial(ClusterExecutor, pool=pool),
            ).execute()


if __name__ == "__main__":
    where, store_folder, of_challenge, runs, each, lease_text = sys.argv[1:]
    try:
        coordinate(where, Path(store_folder), Path(of_challenge), int(runs), each, float(lease_text))
    except RunnerError as problem:
        sys.exit(f"{type(problem).__name__}: {problem}")
