"""Accuracies, ToW and run times, by hand and at the edges."""

import math

import numpy as np
import pytest

from scoring.baselines.accuracies import accuracy_table, split_accuracies
from scoring.baselines.run_time import run_time
from scoring.baselines.tow import tug_of_war

COUNTS = np.array([[4, 2], [5, 0], [0, 0]])
RIGHT = np.array([[[4, 0], [5, 0], [0, 0]], [[2, 1], [0, 0], [0, 0]]])


def table(**changes):
    return accuracy_table(
        **{"unlearned_correct": RIGHT, "reference_correct": RIGHT[:1], "class_counts": COUNTS} | changes
    )


def test_splits_weigh_their_classes_by_size():
    """Right 4 of 4 and 0 of 2 is 4 of 6; the spread is that of the two models."""
    splits = table().unlearned_splits
    np.testing.assert_allclose(splits.mean[:2], [(4 / 6 + 3 / 6) / 2, 0.5])
    np.testing.assert_allclose(splits.deviation[:2], [(1 / 6) / math.sqrt(2), 1 / math.sqrt(2)])
    np.testing.assert_allclose(splits.least[:2], [0.5, 0])
    np.testing.assert_allclose(splits.most[:2], [4 / 6, 1])


def test_classes_stand_alone():
    """Each class of each split has its own accuracy."""
    np.testing.assert_allclose(table().unlearned_classes.mean[0], [0.75, 0.25])
    np.testing.assert_allclose(table().unlearned_classes.most[0], [1, 0.5])


def test_nothing_to_be_right_about_is_nan():
    """A class or a split without examples is NaN in every figure, without a warning."""
    result = table()
    for spread in (result.unlearned_classes, result.reference_classes):
        for figure in (spread.mean, spread.least, spread.most):
            np.testing.assert_array_equal(np.isnan(figure), COUNTS == 0)
    assert np.isnan(result.unlearned_splits.mean).tolist() == [False, False, True]


def test_one_model_has_no_deviation():
    """A deviation needs two models; the other figures exist with one."""
    result = table().reference_splits
    assert np.isnan(result.deviation).all()
    np.testing.assert_allclose(result.mean[:2], result.most[:2])


def test_accuracies_of_each_model():
    """One row for each model, one column for each split."""
    np.testing.assert_allclose(split_accuracies(RIGHT, COUNTS)[:, :2], [[4 / 6, 1], [3 / 6, 0]])


def test_table_only_reads_and_refuses_writes():
    """Inputs that refuse writes are accepted; results refuse them."""
    right, counts = RIGHT.copy(), COUNTS.copy()
    right.flags.writeable = counts.flags.writeable = False
    assert not table(unlearned_correct=right, class_counts=counts).unlearned_classes.mean.flags.writeable


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unlearned_correct": RIGHT / 1}, "must be integers"),
        ({"unlearned_correct": RIGHT[:, :2]}, "splits and classes"),
        ({"reference_correct": RIGHT[0]}, "must have shape"),
        ({"reference_correct": RIGHT[:0]}, "not empty"),
        ({"unlearned_correct": RIGHT + 1}, "outnumber"),
        ({"unlearned_correct": -RIGHT}, "must not be negative"),
        ({"class_counts": COUNTS[0]}, "must have shape"),
    ],
)
def test_impossible_counts_are_refused(changes, message):
    """Impossible counts of correct answers are a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        table(**changes)


def accuracies(forget=0.8, retain=1.0, test=0.5, side="unlearned"):
    return {f"{side}_forget": [forget], f"{side}_retain": [retain], f"{side}_test": [test]}


def test_tug_of_war_by_hand():
    """Gaps of 0.2, 0.1 and 0.5 give 0.8 * 0.9 * 0.5, whichever side is ahead."""
    unlearned, retrained = accuracies(), accuracies(0.6, 0.9, 1.0)
    for a, b in ((unlearned, retrained), (retrained, unlearned)):
        references = {name.replace("unlearned", "reference"): value for name, value in b.items()}
        assert tug_of_war(**a, **references) == pytest.approx(0.36)


def test_tug_of_war_compares_means():
    """Means over unequally many models agree: 1 exactly, although no single model does."""
    unlearned = {f"unlearned_{split}": [0.0, 1.0] for split in ("forget", "retain", "test")}
    retrained = {f"reference_{split}": [0.5, 0.25, 0.75] for split in ("forget", "retain", "test")}
    assert tug_of_war(**unlearned, **retrained) == 1


@pytest.mark.parametrize(("value", "message"), [([80.0], "fractions"), ([], "empty"), ([math.nan], "finite")])
def test_impossible_accuracies_are_refused(value, message):
    """Percentages, empty arrays and NaN are refused."""
    with pytest.raises(ValueError, match=message):
        tug_of_war(**accuracies(side="reference"), **(accuracies() | {"unlearned_test": value}))


def test_run_time_by_hand():
    """Runs of 1, 2, 3, 4 and 10 s against retrainings of median 10 s."""
    result = run_time([1, 2, 3, 4, 10], [9, 10, 30])
    assert result.median == pytest.approx(0.3)
    assert result.most == pytest.approx(1)
    assert result.quartile_distance == pytest.approx(0.2)
    assert result.runs_over == 3
    assert result.too_slow


def test_exactly_a_fifth_is_not_too_slow():
    """A fifth is allowed, and one slow run among three rejects nothing."""
    assert not run_time([20, 20, 500], [100]).too_slow
    assert run_time([20, 20, 500], [100]).runs_over == 1
    assert run_time([20.1], [100]).too_slow


def test_processor_time_by_hand():
    """Less what an empty run takes; never below nothing, which a run that ends early would be."""
    result = run_time(
        [9, 9, 9, 9, 9],
        [10],
        allowed=0.6,
        processor_seconds=[0.5, 2, 3, 4, 11],
        retraining_processor_seconds=10,
        empty_run_processor_seconds=1,
    )
    assert result.processor is not None
    assert result.processor.median == pytest.approx(0.2)
    assert result.processor.most == pytest.approx(1.0)
    assert result.processor.third_quartile == pytest.approx(0.3)
    assert result.processor.runs_over == 1
    assert result.median == pytest.approx(0.9)
    assert result.runs_over == 5
    assert not result.too_slow


@pytest.mark.parametrize(
    ("allowed", "clock", "processor", "too_slow"),
    [
        (0.6, 3.0, 0.6, False),  # a machine with other work
        (0.6, 0.2, 0.61, True),  # many threads
        (0.6, 0.61, None, True),
        (0.6, 0.6, None, False),
        (0.2, 0.1, 0.21, True),
        (None, 0.1, 9.0, False),  # no fraction is stated: the contest's rule, by the clock
        (None, 0.21, 0.1, True),
    ],
)
def test_processor_time_decides_where_a_fraction_is_stated(allowed, clock, processor, too_slow):
    """And where it is known; otherwise the clock does."""
    result = run_time(
        [clock],
        [1.0],
        allowed=allowed,
        processor_seconds=None if processor is None else [processor],
        retraining_processor_seconds=1.0,
    )
    assert result.too_slow is too_slow
    assert result.largest == (allowed or 0.2)


@pytest.mark.parametrize(
    ("retrained", "too_slow"), [(1, False), (4, False), (5, True), (8, True), (16, True)]
)
def test_some_slow_runs_do_not_hide_behind_fast_ones(retrained, too_slow):
    """More than a quarter of the runs are no chance where processor time is known; by the clock, half are."""
    times = [1.0] * retrained + [0.1] * (16 - retrained)
    by_processor = run_time(
        [0.1] * 16, [1], allowed=0.6, processor_seconds=times, retraining_processor_seconds=1
    )
    assert by_processor.too_slow is too_slow
    assert run_time(times, [1], allowed=0.6).too_slow is (retrained > 8)


def test_without_the_processor_time_of_retraining_there_is_none():
    """That of the runs alone is no fraction."""
    assert run_time([1], [10], allowed=0.6, processor_seconds=[1]).processor is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"processor_seconds": [-1]}, "not be negative"),
        ({"empty_run_processor_seconds": -1}, "not be negative"),
        ({"empty_run_processor_seconds": math.nan}, "not be negative"),
        ({"processor_seconds": [math.nan]}, "finite"),
        ({"processor_seconds": [[1]]}, "must have shape"),
        ({"retraining_processor_seconds": 0}, "above zero"),
        ({"retraining_processor_seconds": math.inf}, "above zero"),
    ],
)
def test_impossible_processor_times_are_refused(changes, message):
    """As impossible times by the clock are."""
    with pytest.raises(ValueError, match=message):
        run_time([1], [1], **{"processor_seconds": [1], "retraining_processor_seconds": 1, **changes})


@pytest.mark.parametrize(
    ("runs", "retrainings", "message"),
    [
        ([], [1], "empty"),
        ([1], [], "empty"),
        ([-1], [1], "not be negative"),
        ([1], [0], "above zero"),
        ([math.nan], [1], "finite"),
        ([[1]], [1], "must have shape"),
    ],
)
def test_impossible_times_are_refused(runs, retrainings, message):
    """Impossible times are a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        run_time(runs, retrainings)
