"""The processor time of a run is what its container used from its fork until all of its processes are gone."""

from __future__ import annotations

import pytest

from runner.clients.processor_watch import ProcessorWatch
from tests.support.worker_frames import Begin, ended, finished, planned


def test_each_run_has_what_was_used_from_its_request_to_the_end_of_its_cleanup(begin: Begin) -> None:
    """What the container used before, between and after runs is nobody's; cleaning up after a run is its own."""
    worker, stream = begin(lambda index: [(0.01, ended(index)), (0.01, finished(index))])
    # looks when each run is requested (twice: the other is for standstill), and when it is over
    stream.processor = [5.0, 5.0, 7.5, 20.0, 20.0, 20.25]
    first, second = worker.execute(planned(2))
    assert (first.processor_seconds, second.processor_seconds) == (2.5, 0.25)


def test_where_the_engine_cannot_tell_nothing_is_claimed(begin: Begin) -> None:
    """The engine is on another machine, or its control groups are not visible."""
    worker, _stream = begin(lambda index: [(0.01, finished(index))])
    (run,) = worker.execute(planned(1))
    assert run.processor_seconds is None


def test_a_run_that_is_killed_with_its_container_has_none(begin: Begin) -> None:
    """Its control group is gone, and what was seen last would be too little."""
    worker, stream = begin(lambda _index: [], wall_seconds=0.05)
    stream.processor = [1.0, 2.0]
    (run,) = worker.execute(planned(1))
    assert run.processor_seconds is None


@pytest.mark.parametrize(
    ("looks", "seconds"),
    [
        ([1.0, 1.0], 0.0),
        ([1.0, 3.5], 2.5),
        ([None, 3.5], None),
        ([1.0, None], None),
        ([3.5, 1.0], None),  # another container's counter
    ],
)
def test_a_counter_that_cannot_be_read_twice_is_no_time(
    looks: list[float | None], seconds: float | None
) -> None:
    """Neither 0 nor what one look shows."""
    watch = ProcessorWatch(iter(looks).__next__)
    watch.start()
    assert watch.seconds() == seconds


def test_a_later_start_replaces_the_first() -> None:
    """On a GPU, setting up a run is not in its time."""
    watch = ProcessorWatch(iter([1.0, 4.0, 4.5]).__next__)
    watch.start()
    watch.start()
    assert watch.seconds() == 0.5
