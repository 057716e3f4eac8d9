"""What the pages and reports say of ``too-close`` is what was measured."""

from __future__ import annotations

import pytest

from benchmarks.too_close.results import limits, load, merged, retraining_alarms, table, with_tables
from scoring.card.levels import FALSE_ALARMS
from tests.support.paths import ROOT


def test_the_tables_are_those_of_the_file() -> None:
    """Line by line, in docs/metrics.md."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").splitlines()
    lines = [line for line in table(load()) if line]
    assert len(lines) > 20
    assert [line for line in lines if line not in page] == []


def test_tables_are_written_where_they_stand() -> None:
    """A page that is up to date stays as it is, and one that is not becomes so."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert with_tables(page, load()) == page
    stale = page.replace("| chosen: herding |", "| chosen: something |").replace("| finetune |", "| x |")
    assert with_tables(stale, load()) == page


def test_reports_have_the_measured_rate() -> None:
    """Of fresh retrainings; those of other honest methods are held in `test_integrity`."""
    assert retraining_alarms(load()) in FALSE_ALARMS["too-close"]


def test_honest_retraining_is_flagged_as_seldom_as_it_should_be() -> None:
    """In every distribution and size the rate is compatible with 1 %."""
    rows = merged(load(), "null")
    assert sum(row["sets"] for row in rows) > 1000
    for row in rows:
        low, _ = limits(row["flagged"], row["sets"])
        assert low <= 0.01, row


@pytest.mark.parametrize(
    ("count", "total", "expected"),
    [(0, 100, (0.0, 0.0362)), (100, 100, (0.9638, 1.0)), (5, 10, (0.1871, 0.8129))],
)
def test_limits_by_the_published_tables(count: int, total: int, expected: tuple[float, float]) -> None:
    """Of Clopper and Pearson, 95 %."""
    assert limits(count, total) == pytest.approx(expected, abs=1e-4)


def test_counts_of_one_row_are_added() -> None:
    """A part may be measured in pieces, with other seeds."""
    entry = {
        "part": "null",
        "name": "normal",
        "sizes": "16x16",
        "sets": 30,
        "flagged": 1,
        "tests": {"joint": 1},
        "share_of_ceiling": 1.0,
    }
    second = {**entry, "sets": 10, "flagged": 2, "tests": {"joint": 1, "quality": 2}, "share_of_ceiling": 1.4}
    (row,) = merged([entry, second, {**entry, "part": "power"}], "null")
    assert (row["sets"], row["flagged"], row["tests"]) == (40, 3, {"joint": 2, "quality": 2})
    assert row["share_of_ceiling"] == pytest.approx(1.1)
