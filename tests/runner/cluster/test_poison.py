"""A run that is lost again and again holds its evaluation; a node that fails with everything is drained."""

from __future__ import annotations

from runner.cluster.decisions.poison import MAX_FAILURES, Failures


def test_an_evaluation_whose_run_is_lost_on_node_after_node_is_held() -> None:
    """Three times on two nodes, whatever its other runs do meanwhile."""
    failures = Failures()
    for node in ("a", "b"):
        failures.failed("bad", node, [6, 7])
        failures.delivered("bad", node, 6)
        assert not failures.is_held("bad", nodes=2)
    failures.failed("bad", "a", [7])
    assert failures.is_held("bad", nodes=2)
    assert not failures.is_held("other", nodes=2)


def test_one_node_alone_may_be_the_reason() -> None:
    """Where there is another one, an evaluation is not held before that has tried it."""
    failures = Failures()
    for _ in range(MAX_FAILURES):
        failures.failed("bad", "a", [0])
    assert not failures.is_held("bad", nodes=2)
    assert failures.is_held("bad", nodes=1)
    assert failures.is_held("bad", nodes=0)


def test_many_devices_that_are_lost_together_hold_nothing() -> None:
    """A power cut is one loss for each run."""
    failures = Failures()
    for device in range(8):
        failures.failed("good", f"node {device}", range(10 * device, 10 * device + 10))
    assert not failures.is_held("good", nodes=8)


def test_an_evaluation_that_goes_on_is_not_held() -> None:
    """However often devices are killed; nor is a node drained that delivers."""
    failures = Failures()
    for number in range(100):
        failures.failed("good", "ab"[number % 2], [number, number + 1])
        failures.delivered("good", "ab"[number % 2], number)
    assert not failures.is_held("good", nodes=2)
    assert not failures.is_drained("a")


def test_a_node_with_which_every_evaluation_fails_is_drained() -> None:
    """One evaluation alone drains no node, however often it fails there."""
    failures = Failures()
    for _ in range(10):
        failures.failed("bad", "a", [0])
    assert not failures.is_drained("a")
    failures.failed("second", "a", [0])
    assert not failures.is_drained("a")
    failures.failed("third", "a", [0])
    assert failures.is_drained("a")
    assert not failures.is_drained("b")


def test_the_next_try_is_on_another_node() -> None:
    """Until that node delivers a run of the evaluation again."""
    failures = Failures()
    failures.failed("bad", "a", [0])
    assert failures.avoids("bad", "a")
    assert not failures.avoids("bad", "b")
    assert not failures.avoids("other", "a")
    failures.delivered("bad", "a", 0)
    assert not failures.avoids("bad", "a")


def test_failures_of_the_sandbox_count_in_all() -> None:
    """A run may have caused them, and would have three attempts on one machine, whichever run it is."""
    failures = Failures()
    for index, node in enumerate(("a", "b", "a")):
        assert not failures.is_held("bad", nodes=2)
        failures.failed("bad", node, [index], by_sandbox=True)
        failures.delivered("bad", node, index)
    failures.forget("bad")
    assert failures.is_held("bad", nodes=2)


def test_losses_are_forgotten_with_their_evaluation() -> None:
    """So that a later attempt is not held by what was lost before it."""
    failures = Failures()
    for node in ("a", "b", "a"):
        failures.failed("bad", node, [0])
    assert failures.is_held("bad", nodes=2)
    failures.forget("bad")
    assert not failures.is_held("bad", nodes=2)
    assert not failures.avoids("bad", "a")
