"""Comparison: reruns of one method are tied, a worse method ranks behind, the incomparable is refused."""

import numpy as np
import pytest

from scoring import Accuracies, forgetting_quality, published_epsilon
from scoring.statistics.comparison import ModelOutputs, compare


def outputs(rng, shift=0.0, models=32, examples=8, accuracy=0.9):
    return ModelOutputs(
        confidences=rng.normal(shift, 1, size=(models, examples)),
        accuracies=Accuracies(
            retain=rng.uniform(accuracy - 0.01, accuracy, size=models),
            test=rng.uniform(accuracy - 0.02, accuracy - 0.01, size=models),
        ),
    )


@pytest.fixture(scope="module")
def compared():
    rng = np.random.default_rng(0)
    references, first, again, worse = (outputs(rng, shift) for shift in (0, 0, 0, 1.5))
    return references, (first, again, worse), compare([first, again, worse], references, seed=1, halvings=6)


def test_reruns_are_tied_and_the_worse_is_last(compared):
    """Two runs of one method share rank 1; one that is 1.5 sigma off has rank 3."""
    _, _, result = compared
    assert result.score.rank.tolist() == [1, 1, 3]
    assert result.forgetting_quality.rank.tolist() == [1, 1, 3]
    assert result.n == 32


def test_figures_are_the_published_ones(compared):
    """The score is F times the ratios of the mean accuracies, from all models."""
    references, submissions, result = compared
    for k, submission in enumerate(submissions):
        quality = forgetting_quality(published_epsilon(submission.confidences, references.confidences), 32)
        assert result.forgetting_quality.value[k] == quality
        unlearned, retrained = submission.accuracies, references.accuracies
        ratios = (unlearned.retain.mean() / retrained.retain.mean()) * (
            unlearned.test.mean() / retrained.test.mean()
        )
        assert result.score.value[k] == pytest.approx(quality * ratios)


def test_copy_is_tied_with_certainty():
    """The same models submitted twice have equal scores in every half."""
    rng = np.random.default_rng(2)
    references, submission = outputs(rng, examples=3), outputs(rng, examples=3)
    result = compare([submission, submission], references, seed=0, halvings=2).score
    assert result.p[0, 1] == 1
    assert result.difference_low[0, 1] == result.difference_high[0, 1] == 0
    assert result.rank.tolist() == [1, 1]


def test_seed_decides_the_intervals_but_not_the_values():
    """Values come from all models; only the halves are random."""
    rng = np.random.default_rng(3)
    references, submission = outputs(rng, models=17, examples=4), outputs(rng, models=16, examples=4)
    first, again, other = (compare([submission], references, seed=s, halvings=3).score for s in (1, 1, 2))
    assert first.value == other.value
    assert first.low == again.low
    assert first.low != other.low
    assert first.rank.tolist() == [1]


def test_exchanging_submissions_exchanges_the_results():
    """Exchanging the submissions exchanges their results and changes nothing else."""
    rng = np.random.default_rng(4)
    references, first, second = (outputs(rng, s, models=16, examples=4) for s in (0, 0.2, 1))
    there = compare([first, second], references, seed=0, halvings=3).score
    back = compare([second, first], references, seed=0, halvings=3).score
    np.testing.assert_array_equal(there.p, back.p[::-1, ::-1])
    np.testing.assert_array_equal(there.rank, back.rank[::-1])
    np.testing.assert_array_equal(there.difference_low, back.difference_low[::-1, ::-1])


def test_saturated_submissions_are_tied_at_zero():
    """Two submissions that change no model have score 0 in every half, and so p = 1."""
    rng = np.random.default_rng(5)
    references = outputs(rng, models=16, examples=1)
    stuck = ModelOutputs(confidences=np.full((16, 1), 103.6), accuracies=references.accuracies)
    stuck_too = ModelOutputs(confidences=np.full((16, 1), 103.5), accuracies=references.accuracies)
    result = compare([stuck, stuck_too], references, seed=0, halvings=2).score
    assert result.value.tolist() == [0, 0]
    assert result.p[0, 1] == 1


def test_outputs_are_copied():
    """The caller's array may change later without changing the stored copy."""
    confidences = np.zeros((2, 3))
    stored = ModelOutputs(confidences=confidences, accuracies=Accuracies(retain=np.ones(2), test=np.ones(2)))
    confidences[:] = 1
    assert not stored.confidences.any()
    assert not stored.confidences.flags.writeable


RNG = np.random.default_rng(6)
GOOD = outputs(RNG, models=16, examples=2)


@pytest.mark.parametrize(
    ("submissions", "references", "options", "message"),
    [
        ([], GOOD, {}, "none"),
        ([outputs(RNG, models=15, examples=2)], GOOD, {}, "16 or more models"),
        ([GOOD], outputs(RNG, models=2, examples=2), {}, "16 or more models"),
        ([GOOD, outputs(RNG, models=17, examples=2)], GOOD, {}, "equally many"),
        ([outputs(RNG, models=16, examples=3)], GOOD, {}, "same examples"),
        ([GOOD], GOOD, {"halvings": 1}, "two or more halvings"),
        ([GOOD], GOOD, {"level": 1.0}, "strictly between"),
    ],
)
def test_what_cannot_be_compared_is_refused(submissions, references, options, message):
    """Each impossibility is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        compare(submissions, references, seed=0, **options)


def test_references_that_are_never_right_have_no_ratio():
    """A mean accuracy of zero is refused instead of divided by."""
    never = ModelOutputs(
        confidences=GOOD.confidences, accuracies=Accuracies(retain=np.zeros(16), test=np.ones(16))
    )
    with pytest.raises(ValueError, match="retain accuracy is zero"):
        compare([GOOD], never, seed=0, halvings=2)


@pytest.mark.parametrize(
    ("confidences", "message"),
    [
        (np.zeros((3, 2)), "same models"),
        (np.zeros(2), "must have shape"),
        (np.full((2, 2), np.nan), "finite"),
    ],
)
def test_impossible_outputs_are_refused(confidences, message):
    """Confidences must be finite, of two axes, and of as many models as the accuracies."""
    with pytest.raises(ValueError, match=message):
        ModelOutputs(confidences=confidences, accuracies=Accuracies(retain=np.ones(2), test=np.ones(2)))


@pytest.mark.long
@pytest.mark.parametrize("shared", [0.0, 0.3])
def test_two_reruns_are_tied_in_95_percent(shared):
    """Over 100 trials at 64 models, with independent models or ones that vary as a whole."""
    rng = np.random.default_rng(7)
    tied = 0
    for trial in range(100):
        sets = []
        for _ in range(3):
            sample = outputs(rng, models=64, examples=20)
            common = np.sqrt(shared) * rng.normal(size=(64, 1))
            confidences = np.sqrt(1 - shared) * sample.confidences + common
            sets.append(ModelOutputs(confidences=confidences, accuracies=sample.accuracies))
        tied += compare(sets[1:], sets[0], seed=trial).score.rank.max() == 1
    assert tied >= 89  # 95 less almost three standard errors
