"""A log capture preserves head and tail, counts the rest, and stays within its budget."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.worker.logs.capture import LogCapture

CHUNKS = st.lists(st.binary(max_size=40), max_size=30)


@settings(max_examples=300)
@given(CHUNKS, st.integers(0, 200))
def test_head_tail_and_the_count_of_the_rest(chunks: list[bytes], budget: int) -> None:
    """The captured bytes are a prefix and a suffix of the input; all others are counted exactly."""
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
    """Input within the budget is captured completely; longer input uses the whole budget."""
    capture = LogCapture(budget)
    captured = b"".join(map(capture.add, chunks)) + capture.finish()
    printed = b"".join(chunks)
    assert len(captured) == min(len(printed), budget)
    assert (capture.dropped == 0) == (len(printed) <= budget)
    if len(printed) <= budget:
        assert captured == printed


@given(CHUNKS, st.integers(0, 200))
def test_cuts_do_not_matter(chunks: list[bytes], budget: int) -> None:
    """The captured bytes do not depend on how the output was cut into writes."""
    in_chunks, at_once = LogCapture(budget), LogCapture(budget)
    head = b"".join(map(in_chunks.add, chunks))
    assert head == at_once.add(b"".join(chunks))
    assert (in_chunks.finish(), in_chunks.dropped) == (at_once.finish(), at_once.dropped)


def test_head_is_passed_on_at_once() -> None:
    """The first half of the budget is forwarded immediately, so that a run can be watched."""
    capture = LogCapture(10)
    assert capture.add(b"abc") == b"abc"
    assert capture.add(b"defgh") == b"de"
    assert capture.add(b"ijklmno") == b""
    assert capture.finish() == b"klmno"
    assert capture.dropped == len("fghij")


def test_a_flood_holds_no_more_than_the_budget() -> None:
    """However much arrives, only the tail's share of the budget is in memory at any moment."""
    capture = LogCapture(1000)
    for _ in range(200):
        capture.add(bytes(10_000))
        assert len(capture.finish()) <= 500
