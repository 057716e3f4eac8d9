"""The most memory that a run uses is what its container uses beyond what it used before."""

from __future__ import annotations

import math

from runner.clients.memory_watch import MemoryWatch
from tests.support.worker_frames import Begin, ended, finished, planned


def test_a_run_is_looked_at_while_it_goes_on(begin: Begin) -> None:
    """The highest value counts, less the lowest before any run; a lower one before the next run is taken."""
    worker, stream = begin(lambda index: [(1.0, ended(index)), (0.01, finished(index))])
    stream.memory = [100, 150, 700, 300, *[250] * 40]
    first, second = worker.execute(planned(2))
    assert first.peak_memory_bytes == 600
    assert second.peak_memory_bytes == 150
    assert len(stream.memory) > 1


def test_a_short_run_is_not_seen(begin: Begin) -> None:
    """Nothing is claimed of it."""
    worker, stream = begin(lambda index: [(0.01, finished(index))])
    stream.memory = [100, 500]
    (run,) = worker.execute(planned(1))
    assert run.peak_memory_bytes is None


def test_where_the_engine_cannot_tell_nothing_is_looked_at(begin: Begin) -> None:
    """The host waits for the end of the run, and for nothing else."""
    worker, _stream = begin(lambda index: [(3.0, finished(index))])
    (run,) = worker.execute(planned(1))
    assert run.peak_memory_bytes is None


def test_a_run_that_is_ended_at_its_limit_has_its_memory(begin: Begin) -> None:
    """Also if the host ends it, with its container."""
    worker, stream = begin(lambda _index: [], wall_seconds=2.0)
    stream.memory = [100, 900]
    (run,) = worker.execute(planned(1))
    assert run.peak_memory_bytes == 800


def test_a_long_run_is_looked_at_seldom() -> None:
    """From twenty times a second to four times."""
    watch = MemoryWatch(lambda: 5)
    assert watch.seconds_to_next_look(10.0) == math.inf
    watch.start(10.0)
    assert [round(watch.seconds_to_next_look(10.0 + seconds), 3) for seconds in (0, 0.2, 2, 100)] == [
        0.05,
        0.05,
        0.2,
        0.25,
    ]


def test_less_than_before_is_nothing() -> None:
    """What an earlier run left was freed meanwhile."""
    uses = iter([500, 300, None, 400])
    watch = MemoryWatch(lambda: next(uses))
    watch.start(0.0)
    watch.look()
    watch.look()
    assert watch.peak_bytes == 0
