"""Comparisons in a browser: ranks and figures side by side, names that are hostile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from runner.pages.comparison import comparison_page
from runner.reports.views.comparison import ComparedInput, comparison_view
from runner.reports.views.report_model import LimitsPart
from scoring.statistics.comparison import ModelOutputs, compare
from tests.browser.conftest import Examine
from tests.browser.hostile import ALL, HOSTILE, LONG_WORD, MARKUP
from tests.support.pages.reports import outputs, populations, runs


def test_a_comparison_with_hostile_names_is_a_good_page(examine_file: Examine, tmp_path: Path) -> None:
    """Two with ranks and differences, and hostile names among those without a score."""
    unlearned, references, card = populations()
    sides = [
        ModelOutputs(confidences=side.confidences(), accuracies=side.accuracies())
        for side in (unlearned, outputs(3, 20, shift=3.0), references)
    ]
    inputs = [
        ComparedInput(
            name=name,
            evaluation=f"{at:012x}",
            card=replace(card),
            runs=runs(20),
            limits=LimitsPart(seconds=60.0, memory_bytes=2 << 30),
        )
        for at, name in enumerate((MARKUP[3], LONG_WORD))
    ]
    view = comparison_view(
        inputs,
        compare(sides[:2], sides[2], seed=0),
        challenge=ALL,
        unscored=[(name, f"{at:012x}", name) for at, name in enumerate(HOSTILE[::4], start=2)],
    )
    file = tmp_path / "comparison.html"
    file.write_text(comparison_page(view), encoding="utf-8")
    assert examine_file(file) == []
