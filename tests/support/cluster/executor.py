"""Executors of clusters, as tests need them."""

from __future__ import annotations

from runner.challenge.challenge import Challenge
from runner.cluster.device_pool import DevicePool
from runner.cluster.executor import PATIENCE_SECONDS, ClusterExecutor
from runner.engine.info import EngineInfo
from runner.execution.context import ExecutionContext
from runner.execution.executor import OutputsSink
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.progress import NullReporter
from runner.submission.load import Submission

MINE = Submission(name="mine", sha256="a" * 64, archive=b"zip")


def cluster_executor(
    pool: DevicePool,
    challenge: Challenge,
    sink: OutputsSink,
    *,
    submission: Submission = MINE,
    image: Image | None = None,
    n: int = 6,
    patience_seconds: float = PATIENCE_SECONDS,
) -> ClusterExecutor:
    """Return an executor that keeps checkpoints, whose coordinator needs no engine."""
    return ClusterExecutor(
        pool=pool,
        context=ExecutionContext(
            engine=None,  # type: ignore[arg-type]  # nothing is executed here
            info=EngineInfo(),
            image=image or Image(digest="c" * 64, identity=""),
            labels={},
            reporter=NullReporter(),
        ),
        submission=submission,
        challenge=challenge,
        settings=Settings(n=n, keep_going=True, keep_checkpoints=True),
        evaluation="conformance",
        sink=sink,
        patience_seconds=patience_seconds,
    )
