"""What the benchmark of a cluster's faults counts and attributes, without a cluster."""

from __future__ import annotations

import math
import time
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.scale.faults.audit import Audit, Loss
from benchmarks.scale.faults.happenings import KINDS, Later, order
from tests.support.cluster.coordinator import PROGRESS


@pytest.mark.parametrize("seed", [0, 1])
def test_a_hundred_kills_are_of_each_kind(seed: int) -> None:
    """In an order of their own for each seed."""
    kinds = order(100, seed)
    assert Counter(kinds) == KINDS
    assert kinds != sorted(kinds)
    assert order(250, seed)[:100] == kinds
    assert len(order(7, seed)) == 7


def test_other_seeds_have_other_orders() -> None:
    """The same seed has the same."""
    assert order(100, 0) == order(100, 0) != order(100, 1)


def test_actions_are_done_once_at_their_time_or_at_the_end() -> None:
    """Whichever comes first."""
    done: list[str] = []
    later = Later()
    later.add(0.05, lambda: done.append("soon"))
    later.add(60.0, lambda: done.append("at the end"))
    time.sleep(0.5)
    assert done == ["soon"]
    later.finish()
    assert done == ["soon", "at the end"]
    later.finish()
    assert done == ["soon", "at the end"]


def test_what_is_reported_is_of_the_machine_that_was_lost(tmp_path: Path) -> None:
    """Until something else happens to it; a machine that had no runs is not counted."""
    (tmp_path / PROGRESS).write_text(
        "100.000 host (10.0.0.2) cpu 1/1: is lost. Its runs are executed again.\n"
        "104.000 host (10.0.0.3) cpu 1/1: is lost. Its runs are executed again.\n"
        "105.000 host (10.0.0.3) cpu 1/1: something else\n"
        "150.000 host (10.0.0.2) cpu 1/1: is lost. Its runs are executed again.\n"
    )
    losses = [
        Loss(kind="node", address="10.0.0.3", at=98.5, until=math.inf),
        Loss(kind="node", address="10.0.0.2", at=120.0, until=140.0),
        Loss(kind="node", address="10.0.0.4", at=90.0, until=math.inf),
        Loss(kind="cut node", address="10.0.0.2", at=140.0, until=math.inf),
    ]
    assert Audit(tmp_path, 1, []).pickups(losses) == {"node": [5.5], "cut node": [10.0]}
    assert Audit(tmp_path / "nothing", 1, []).pickups(losses) == {}
