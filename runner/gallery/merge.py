"""Merge several iterators, a few at a time and each in its own thread, into one."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def merge_iterators(jobs: Sequence[Callable[[], Iterable[T]]], *, at_once: int) -> Generator[T]:
    """Yield the items of all jobs in order of arrival; the items of one job stay in order.

    If a job raises an exception, or the caller closes this iterator, every other job ends at its
    next item and no further job starts. All jobs have ended when this iterator ends.

    Args:
        jobs: Functions that return the iterators, started in this order, each called in a thread.
        at_once: Number of jobs that run at a time.
    """
    arrived: queue.SimpleQueue[T | Future[None]] = queue.SimpleQueue()
    stopped = threading.Event()

    def work(job: Callable[[], Iterable[T]]) -> None:
        if stopped.is_set():
            return
        for item in job():
            arrived.put(item)
            if stopped.is_set():
                return

    with ThreadPoolExecutor(at_once) as pool:
        running: set[Future[None]] = set()
        try:
            for job in jobs:
                running.add(submitted := pool.submit(work, job))
                submitted.add_done_callback(arrived.put)
            while running:
                arrival = arrived.get()
                if isinstance(arrival, Future):
                    arrival.result()
                    running.remove(arrival)
                else:
                    yield arrival
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
