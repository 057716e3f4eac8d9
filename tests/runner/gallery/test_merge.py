"""Merged iterators yield every item once, each job in order, and leave no thread behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from runner.gallery.merge import merge_iterators


def counting(name: str, upto: int) -> Callable[[], Iterator[tuple[str, int]]]:
    return lambda: ((name, number) for number in range(upto))


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_all_items_arrive_in_the_order_of_their_job(at_once: int) -> None:
    """Jobs that yield nothing do no harm."""
    items = list(
        merge_iterators(
            [counting(name, upto) for name, upto in zip("abc", (5, 0, 9), strict=True)], at_once=at_once
        )
    )
    assert sorted(items) == [*[("a", number) for number in range(5)], *[("c", number) for number in range(9)]]
    for name in "ac":
        numbers = [number for job, number in items if job == name]
        assert numbers == sorted(numbers)


def test_only_the_given_number_of_jobs_runs_at_a_time() -> None:
    """Two jobs that wait for each other can end; a third at the same time would fail."""
    meeting, slots = threading.Barrier(2), threading.BoundedSemaphore(2)

    def meets() -> Iterator[int]:
        assert slots.acquire(blocking=False)
        meeting.wait(30)
        slots.release()
        yield 1

    assert sum(merge_iterators([meets] * 6, at_once=2)) == 6


def test_an_exception_of_a_job_ends_the_other_jobs() -> None:
    """They end at their next item, and no further job starts."""
    started: list[str] = []

    def endless() -> Iterator[int]:
        started.append("endless")
        while True:
            time.sleep(0.001)  # its items are queued until they are taken
            yield 0

    def fails() -> Iterator[int]:
        started.append("fails")
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        for _ in merge_iterators([endless, fails, endless, endless], at_once=2):
            pass
    assert sorted(started) in (["endless", "fails"], ["endless", "endless", "fails"])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPool")]


def test_closing_the_iterator_ends_the_jobs() -> None:
    """As Ctrl-C does: a running job ends at its next item."""
    ended = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                time.sleep(0.001)
                yield 0
        finally:
            ended.set()

    iterator = merge_iterators([endless], at_once=2)
    next(iterator)
    iterator.close()
    assert ended.wait(30)
