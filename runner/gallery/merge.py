"""Several iterators in threads of their own, a few at a time: what they yield, as it comes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def merge_iterators(jobs: Sequence[Callable[[], Iterable[T]]], *, at_once: int) -> Generator[T]:
    """Yield what the jobs yield, in the order in which it comes; each job's keeps its order.

    If one raises an exception, or the iterator is closed, the others end at what they yield
    next, none is started, and all have ended when this does.

    Args:
        jobs: Each is called in a thread, begun in this order.
        at_once: How many of them go on at a time.
    """
    arrived: queue.SimpleQueue[T | Future[None]] = queue.SimpleQueue()
    stopped = threading.Event()

    def work(job: Callable[[], Iterable[T]]) -> None:
        if stopped.is_set():
            return
        for one in job():
            arrived.put(one)
            if stopped.is_set():
                return

    with ThreadPoolExecutor(at_once) as pool:
        going: set[Future[None]] = set()
        try:
            for job in jobs:
                going.add(submitted := pool.submit(work, job))
                submitted.add_done_callback(arrived.put)
            while going:
                found = arrived.get()
                if isinstance(found, Future):
                    found.result()
                    going.remove(found)
                else:
                    yield found
        finally:
            stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
