"""Does everything come, once and in each one's order, and does nothing go on after the end?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from runner.gallery.merge import merge_iterators


def counting(name: str, upto: int) -> Callable[[], Iterator[tuple[str, int]]]:
    return lambda: ((name, number) for number in range(upto))


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_everything_comes_in_each_ones_order(at_once: int) -> None:
    """Also of those that yield nothing."""
    found = list(
        merge_iterators(
            [counting(name, upto) for name, upto in zip("abc", (5, 0, 9), strict=True)], at_once=at_once
        )
    )
    assert sorted(found) == [*[("a", number) for number in range(5)], *[("c", number) for number in range(9)]]
    for name in "ac":
        numbers = [number for one, number in found if one == name]
        assert numbers == sorted(numbers)


def test_so_many_go_on_at_a_time() -> None:
    """Two that wait for each other come to an end; a third would find that there are two already."""
    meeting, most = threading.Barrier(2), threading.BoundedSemaphore(2)

    def meets() -> Iterator[int]:
        assert most.acquire(blocking=False)
        meeting.wait(30)
        most.release()
        yield 1

    assert sum(merge_iterators([meets] * 6, at_once=2)) == 6


def test_what_one_raises_ends_the_others() -> None:
    """At what they yield next; none is begun after it."""
    begun: list[str] = []

    def endless() -> Iterator[int]:
        begun.append("endless")
        while True:
            time.sleep(0.001)  # what it yields is kept until it is taken
            yield 0

    def fails() -> Iterator[int]:
        begun.append("fails")
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        for _ in merge_iterators([endless, fails, endless, endless], at_once=2):
            pass
    assert sorted(begun) in (["endless", "fails"], ["endless", "endless", "fails"])
    assert not [one for one in threading.enumerate() if one.name.startswith("ThreadPool")]


def test_who_has_enough_closes_it() -> None:
    """As Ctrl-C does: what goes on ends at what it yields next."""
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
