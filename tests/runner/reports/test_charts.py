"""What the charts of a report show: shares that add up, examples chosen by rule."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from runner.reports.views.report_charts import chosen_examples, confidence_bins, epsilon_bins
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.statistics.ceiling import ceiling, reference_epsilons


@pytest.mark.parametrize("n", [16, 64, 512])
def test_the_bins_of_epsilon_add_up_to_forgetting_quality(n: int) -> None:
    """Points times share, summed: F itself, from the same bins."""
    epsilon = np.concatenate([np.random.default_rng(n).gamma(2, 0.7, 200), [50.0, 0.0, 0.5]])
    bins = epsilon_bins(epsilon, None, n=n)
    assert sum(each.points * each.unlearned for each in bins) == pytest.approx(forgetting_quality(epsilon, n))
    assert bins[-1].high is None
    assert all(first.high == second.low for first, second in itertools.pairwise(bins))


def test_epsilons_of_references_are_those_of_the_ceiling() -> None:
    """The first division is the first of the ceiling's."""
    references = np.random.default_rng(0).normal(size=(40, 10))
    epsilons = reference_epsilons(references, 40, seed=3, repetitions=2)
    assert epsilons.shape == (2, 10)
    order = np.random.default_rng(3).permutation(40)
    assert np.array_equal(epsilons[0], published_epsilon(references[order[:20]], references[order[20:]]))
    whole = ceiling(references, 40, seed=3, repetitions=16)
    mean = forgetting_quality(reference_epsilons(references, 40, seed=3, repetitions=16).ravel(), 40)
    assert mean == pytest.approx(whole.quality.estimate - whole.drift)
    with pytest.raises(ValueError, match="not 3"):
        reference_epsilons(references[:3], 40, seed=3)


@pytest.mark.parametrize(
    ("examples", "groups"), [(1, (1, 0, 0)), (7, (3, 2, 2)), (12, (4, 4, 4)), (500, (4, 4, 4))]
)
def test_examples_are_the_most_exposed_the_median_and_the_least(
    examples: int, groups: tuple[int, ...]
) -> None:
    """Ordered by epsilon; no example twice; with few of them, all."""
    rng = np.random.default_rng(examples)
    epsilon = rng.permutation(np.arange(examples, dtype=float))
    values = rng.normal(size=(5, examples))
    chosen = chosen_examples(
        unlearned=values,
        references=values,
        labels=np.zeros(examples, dtype=np.intp),
        epsilon=epsilon,
        exact=epsilon,
    )
    names = [example.group for example in chosen]
    assert tuple(names.count(name) for name in ("most exposed", "median", "least exposed")) == groups
    shown = [example.epsilon for example in chosen]
    assert shown == sorted(shown, reverse=True)
    assert len({example.index for example in chosen}) == len(chosen)
    assert shown[0] == examples - 1
    assert shown[-1] == 0


def test_equal_confidences_have_bins() -> None:
    """All in one of them."""
    bins = confidence_bins(np.full(5, 2.0), np.full(3, 2.0))
    assert [(each.unlearned, each.references) for each in bins if each.unlearned] == [(1.0, 1.0)]
