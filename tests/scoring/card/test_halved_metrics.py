"""Entries of a card on halves: the same halves as of the score, and the card's own numbers on all models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runner.competition.metrics import METRICS
from scoring.card.halved_metrics import HALVED, halved_metric
from scoring.card.make import score_card
from scoring.outputs import Outputs
from scoring.statistics.comparison import ModelOutputs, random_halves
from scoring.statistics.halves import halved_score
from tests.support.populations import population

RUNS = population(1, models=32, shift=0.5)
REFERENCES = population(2, models=40)


def of(outputs: Outputs, rows: Any) -> Outputs:
    """Return some of the models."""
    names = ("logits", "correct", "unseen_losses", "seconds")
    return population(0, **{name: np.asarray(getattr(outputs, name))[rows] for name in names})


def test_every_metric_of_finals_can_be_computed_on_halves() -> None:
    """And nothing else can: a metric that is added has its noise."""
    assert {metric.path for metric in METRICS.values()} == HALVED


def test_the_score_has_the_halves_of_leaderboards() -> None:
    """Number by number, so a final by the score and a leaderboard agree on who is told apart."""
    models = [
        ModelOutputs(confidences=each.confidences(), accuracies=each.accuracies())
        for each in (RUNS, REFERENCES)
    ]
    expected = halved_score(*models, seed=5, halvings=4)
    halved = halved_metric("published.score", expected.value, RUNS, REFERENCES, seed=5, halvings=4)
    assert halved.value == expected.value
    np.testing.assert_allclose(halved.halves, expected.halves, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_entry_is_that_of_the_card_of_a_half() -> None:
    """A slow twin: a whole card of each half has the same number; a share has the whole ceiling below it."""
    seed = 3
    whole = score_card(RUNS, REFERENCES)
    (first, _second), *_rest = random_halves(32, 40, seed=seed, halvings=2)
    card = score_card(of(RUNS, first[0]), of(REFERENCES, first[1]))
    for path in sorted(HALVED - {"share_of_ceiling.estimate", "held_out.epsilon_mean"}):
        value: Any = whole
        half: Any = card
        for name in path.split("."):
            value, half = getattr(value, name), getattr(half, name)
        halved = halved_metric(path, float(value), RUNS, REFERENCES, seed=seed, halvings=2)
        assert halved.halves[0, 0] == pytest.approx(half, rel=1e-9), path
    assert whole.share_of_ceiling is not None
    share = whole.share_of_ceiling.estimate
    halved = halved_metric("share_of_ceiling.estimate", share, RUNS, REFERENCES, seed=seed, halvings=2)
    ratio = card.published.forgetting_quality / whole.published.forgetting_quality
    assert halved.halves[0, 0] == pytest.approx(share * ratio, rel=1e-9)


def test_too_few_models_have_no_halves() -> None:
    """Sixteen are the least, as for leaderboards."""
    with pytest.raises(ValueError, match="16 or more"):
        halved_metric("tug_of_war", 1.0, of(RUNS, slice(0, 15)), REFERENCES, seed=1)
