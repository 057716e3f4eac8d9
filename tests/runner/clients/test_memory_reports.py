"""A run during which the engine is told too often that its container has no memory left is ended."""

from __future__ import annotations

from runner.clients.memory_watch import MAX_REPORTS, MemoryWatch
from runner.engine.api import ContainerExit
from runner.verdict import Verdict
from tests.support.worker_frames import Begin, ended, finished, planned


def test_too_many_reports_end_the_run(begin: Begin) -> None:
    """Its container is ended, and the engine says why."""
    worker, stream = begin(
        lambda index: [(5.0, ended(index)), (0.01, finished(index))],
        ending=ContainerExit(exit_code=137, oom_killed=True),
    )
    stream.memory, stream.reports = [100], [0, 3, MAX_REPORTS]
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.MEMORY_LIMIT
    assert stream.killed
    assert not worker.is_usable


def test_fewer_reports_do_not(begin: Begin) -> None:
    """A run may come up to its limit, and reports of earlier runs do not count."""
    worker, stream = begin(lambda index: [(5.0, ended(index)), (0.01, finished(index))])
    stream.memory, stream.reports = [100], [MAX_REPORTS, 2 * MAX_REPORTS - 1]
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.OK
    assert not stream.killed


def test_reports_count_from_the_start_of_a_run() -> None:
    """And the container is ended once there are as many as the limit says."""
    reports, ends = iter([40, 40 + MAX_REPORTS - 1, 40 + MAX_REPORTS]), []
    watch = MemoryWatch(lambda: 5, reports=lambda: next(reports), end=lambda: ends.append(True))
    watch.start(0.0)
    watch.look()
    assert not ends
    watch.look()
    assert ends
