"""Runs are shared out to devices, and what is lost comes back first."""

from __future__ import annotations

from runner.clients.runs import PlannedRun
from runner.cluster.decisions.sharing import MAX_SHARE, RunShares, devices_of_each, share_size

PLANNED = [PlannedRun(index=index, seed=index) for index in range(10)]


def indices(runs: object) -> list[int]:
    return [run.index for run in runs]  # type: ignore[attr-defined]


def test_equal_devices_get_equal_shares() -> None:
    """Ten runs on four devices: three each, and what is left."""
    shares = RunShares(PLANNED)
    sizes = [len(shares.hand_out(device, 4 - device)) for device in range(4)]
    assert sizes == [3, 3, 2, 2]
    assert shares.waiting == 0


def test_a_share_has_a_maximum() -> None:
    """So that what a lost device has not delivered stays little."""
    assert share_size(20_000, 4) == MAX_SHARE
    assert share_size(1, 4) == 1


def test_what_a_share_has_not_delivered_is_executed_next() -> None:
    """In its order, and before what waits already."""
    shares = RunShares(PLANNED)
    assert indices(shares.hand_out("a", 2)) == [0, 1, 2, 3, 4]
    assert shares.delivered("a", 1)
    assert shares.end("a") == [0, 2, 3, 4]
    assert indices(shares.hand_out("b", 1)) == [0, 2, 3, 4, 5, 6, 7, 8, 9]


def test_a_run_is_delivered_once_and_by_the_share_that_has_it() -> None:
    """A device that was given up delivers nothing, nor does one deliver what it was not given."""
    shares = RunShares(PLANNED)
    shares.hand_out("a", 2)
    shares.hand_out("b", 1)
    assert shares.delivered("a", 0)
    assert not shares.delivered("a", 0)
    assert not shares.delivered("a", 9)
    shares.end("a")
    assert not shares.delivered("a", 1)


def test_nothing_waits_once_it_is_dropped() -> None:
    """What is handed out goes on."""
    shares = RunShares(PLANNED)
    shares.hand_out("a", 2)
    shares.drop_waiting()
    assert shares.waiting == 0
    assert shares.delivered("a", 4)


def test_evaluations_share_the_devices() -> None:
    """Each has at least one, and all devices have work."""
    assert [devices_of_each(8, evaluations) for evaluations in (1, 2, 3, 20)] == [8, 4, 3, 1]
