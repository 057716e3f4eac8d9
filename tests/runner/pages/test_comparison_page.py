"""The page of a comparison: ranks with their noise, one scale for all, letters in figures."""

from __future__ import annotations

import re

import pytest

from runner.pages.comparison import comparison_page
from runner.reports.views.comparison import ComparedInput, ComparisonView, comparison_view
from runner.reports.views.report_model import LimitsPart
from scoring.card.make import score_card
from scoring.outputs import Outputs
from scoring.statistics.comparison import ModelOutputs, compare
from tests.runner.pages.test_report_page import HOSTILE, Structure, check_page
from tests.support.pages.reports import outputs, runs

POPULATIONS = ((1, 0.3), (2, 3.0), (1, 0.3))
"""Seed and shift of each: the first and the last are equal."""
REFERENCES = outputs(0)
MODELS = [outputs(seed, shift=shift) for seed, shift in POPULATIONS]
CARDS = [score_card(models, REFERENCES) for models in MODELS]


def figures(models: Outputs) -> ModelOutputs:
    return ModelOutputs(confidences=models.confidences(), accuracies=models.accuracies())


RANKING = compare([figures(models) for models in MODELS], figures(REFERENCES), seed=1)


def view_of(name: str = "plain", *, ranked: bool = True, count: int = 3) -> ComparisonView:
    inputs = [
        ComparedInput(
            name=name,
            evaluation=f"{at:012x}",
            card=CARDS[at],
            runs=runs(20 if at else 16),
            limits=LimitsPart(seconds=60.0, memory_bytes=1 << 30),
        )
        for at in range(count)
    ]
    return comparison_view(
        inputs,
        (RANKING if ranked else f"{name} has another n") if count > 1 else None,
        challenge=name,
        unscored=[(name, "f" * 12, name)],
    )


def test_a_difference_is_within_or_beyond_the_noise() -> None:
    """The best one first; the page says it in a sentence and for each row."""
    view = view_of()
    page = comparison_page(view)
    check_page(page)
    assert [part.letter for part in view.compared] == ["A", "B", "C"]
    assert view.compared[0].difference is None
    last = view.compared[-1]
    assert last.evaluation == f"{1:012x}"
    assert last.difference is not None
    assert last.difference.beyond_noise
    assert last.difference.value == pytest.approx(
        CARDS[1].published.score - max(card.published.score for card in CARDS)
    )
    assert last.difference.low <= last.difference.value <= last.difference.high
    middle = view.compared[1].difference
    assert middle is not None
    assert not middle.beyond_noise
    assert "A is better than C, beyond the noise; the difference to B is within it." in page
    assert "yes, p = " in page
    assert "no, p = " in page
    assert "not by whether their own intervals overlap" in page
    assert "narrower" not in page


def test_histograms_have_one_scale() -> None:
    """The same bins and the same ticks on both axes."""
    view = view_of()
    assert len({tuple((each.low, each.high) for each in part.epsilon) for part in view.compared}) == 1
    figures_of = re.findall(r"<svg.*?</svg>", comparison_page(view), re.DOTALL)
    texts = {tuple(re.findall(r"<text[^>]*>([^<]*)</text>", svg)) for svg in figures_of if "epsilon-" in svg}
    assert len(texts) == 1


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_change_only_the_text(text: str) -> None:
    """In figures there are letters."""
    page = comparison_page(view_of(text))
    check_page(page)
    assert Structure(page).tags == Structure(comparison_page(view_of())).tags
    assert len(page.encode(errors="replace")) < 300_000


@pytest.mark.parametrize(("ranked", "count"), [(False, 3), (True, 1), (True, 0)])
def test_without_ranks_there_is_a_page(ranked: bool, count: int) -> None:
    """Other numbers of runs, one score, no score: it says why."""
    page = comparison_page(view_of(ranked=ranked, count=count))
    check_page(page)
    assert "None" not in page
    assert ("has another n" in page) == (count == 3)
    assert "cannot be ranked" in page or count == 0
