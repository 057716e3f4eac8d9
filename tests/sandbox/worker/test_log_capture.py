"""Does a log keep its head and its tail, count the rest, and stay within its budget?"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.worker.log_capture import LogCapture

CHUNKS = st.lists(st.binary(max_size=40), max_size=30)


@settings(max_examples=300)
@given(CHUNKS, st.integers(0, 200))
def test_head_tail_and_the_count_of_the_rest(chunks: list[bytes], budget: int) -> None:
    """What is kept is a beginning and an end of the input, and what is not is counted to the byte."""
    capture = LogCapture(budget)
    head = b"".join(map(capture.add, chunks))
    tail = capture.finish()
    printed = b"".join(chunks)
    assert printed.startswith(head)
    assert printed.endswith(tail)
    assert len(head) + capture.dropped + len(tail) == len(printed)
    assert len(head) + len(tail) <= budget


@given(CHUNKS, st.integers(0, 200))
def test_nothing_is_dropped_that_would_fit(chunks: list[bytes], budget: int) -> None:
    """Input within the budget comes back whole; beyond it, all of the budget is used."""
    capture = LogCapture(budget)
    kept = b"".join(map(capture.add, chunks)) + capture.finish()
    printed = b"".join(chunks)
    assert len(kept) == min(len(printed), budget)
    assert (capture.dropped == 0) == (len(printed) <= budget)
    if len(printed) <= budget:
        assert kept == printed


@given(CHUNKS, st.integers(0, 200))
def test_cuts_do_not_matter(chunks: list[bytes], budget: int) -> None:
    """How the output was cut into writes changes nothing of what is kept."""
    several, one = LogCapture(budget), LogCapture(budget)
    head = b"".join(map(several.add, chunks))
    assert head == one.add(b"".join(chunks))
    assert (several.finish(), several.dropped) == (one.finish(), one.dropped)


def test_head_is_passed_on_at_once() -> None:
    """The first half of the budget does not wait for the end, so that a run can be watched."""
    capture = LogCapture(10)
    assert capture.add(b"abc") == b"abc"
    assert capture.add(b"defgh") == b"de"
    assert capture.add(b"ijklmno") == b""
    assert capture.finish() == b"klmno"
    assert capture.dropped == len("fghij")


def test_flood_keeps_no_more_than_the_budget() -> None:
    """While gigabytes could come, only the tail's share of the budget is held at any moment."""
    capture = LogCapture(1000)
    for _ in range(200):
        capture.add(bytes(10_000))
        assert len(capture.finish()) <= 500
