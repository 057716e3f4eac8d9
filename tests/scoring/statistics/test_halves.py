"""Scores on random halves: stored one by one, they give the intervals of a whole comparison."""

import numpy as np
import pytest

from scoring.statistics.comparison import compare
from scoring.statistics.halves import HalvedScore, halved_score, paired_difference
from tests.scoring.statistics.test_comparison import outputs


@pytest.fixture(scope="module")
def models():
    rng = np.random.default_rng(5)
    return [outputs(rng, shift) for shift in (0, 0, 0.4, 1.5)]


def test_pairs_have_the_intervals_of_the_whole_comparison(models):
    """Whatever other submissions are compared: each is scored alone, once."""
    references, *submissions = models
    ranking = compare(submissions, references, seed=9, halvings=4).score
    scores = [halved_score(submission, references, seed=9, halvings=4) for submission in submissions]
    for row, first in enumerate(scores):
        for column, second in enumerate(scores):
            pair = paired_difference(first, second)
            assert pair.estimate == ranking.difference[row, column]
            assert pair.low == pytest.approx(ranking.difference_low[row, column], rel=1e-12, abs=1e-15)
            assert pair.high == pytest.approx(ranking.difference_high[row, column], rel=1e-12, abs=1e-15)


def test_a_pair_solved_by_hand():
    """Gaps 0.2 and -0.2 against none: the error is sqrt(0.04 / 2)."""
    first = HalvedScore(value=0.5, halves=np.array([[0.6, 0.4], [0.4, 0.6]]))
    second = HalvedScore(value=0.1, halves=np.array([[0.1, 0.1], [0.1, 0.1]]))
    pair = paired_difference(first, second)
    assert pair.standard_error == pytest.approx(0.02**0.5)
    assert pair.high - pair.estimate == pytest.approx(4.302652729911275 * 0.02**0.5)  # t, 2 degrees
    mirrored = paired_difference(second, first)
    assert (mirrored.low, mirrored.high) == pytest.approx((-pair.high, -pair.low))


@pytest.mark.parametrize(
    ("value", "halves"),
    [(np.nan, [[1, 1], [1, 1]]), (1, [[1, np.inf], [1, 1]]), (1, [[1, 1]]), (1, [1, 1]), (1, [[1], [1]])],
)
def test_what_is_no_score_on_halves_is_refused(value, halves):
    """A damaged value must not become a rank."""
    with pytest.raises(ValueError, match=r"finite|shape"):
        HalvedScore(value=value, halves=np.array(halves, dtype=float))


def test_too_few_models_or_other_halvings_are_refused(models):
    """16 models a side, and the same number of halvings."""
    references, submission, *_ = models
    few = type(submission)(
        confidences=submission.confidences[:8],
        accuracies=type(submission.accuracies)(
            retain=submission.accuracies.retain[:8], test=submission.accuracies.test[:8]
        ),
    )
    with pytest.raises(ValueError, match="16"):
        halved_score(few, references, seed=0)
    pair = [HalvedScore(value=0.1, halves=np.zeros((count, 2))) for count in (2, 3)]
    with pytest.raises(ValueError, match="2 and 3"):
        paired_difference(*pair)
