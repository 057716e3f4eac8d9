"""Flags: each reports what was done to the checkpoints, and none is raised on good checkpoints."""

import dataclasses

import numpy as np
import pytest

from scoring import published_epsilon
from scoring.flags.decided_by_one import DecidedByOne, find_decided_by_one
from scoring.flags.duplicates import Copies, Duplicates, find_duplicates
from scoring.flags.find import find_flags
from scoring.flags.mixture import Mixture
from scoring.flags.outliers import Outliers, find_outliers
from tests.support.cheats import mixture, realistic


def sample(seed, n=30, m=40, examples=12):
    rng = np.random.default_rng(seed)
    return realistic(rng, n, examples), realistic(rng, m, examples)


@pytest.mark.parametrize("examples", [1, 2, 4, 5, 20])
def test_good_checkpoints_have_no_duplicates(examples):
    """Two sets of references have none in 100 repetitions, for any number of examples."""
    for seed in range(100):
        assert find_duplicates(*sample(seed, examples=examples)) == ()


def test_good_checkpoints_have_no_outliers_and_none_decides():
    """Two sets of references of correlated, heavy-tailed confidences have neither, in 100 repetitions."""
    for seed in range(100):
        pair = sample(seed)
        assert find_outliers(*pair) == ()
        assert find_decided_by_one(*pair) == ()


def test_equal_checkpoints_are_grouped():
    """Equal rows form groups, whatever the order; all others stay out."""
    unlearned, retrained = sample(0)
    unlearned[[7, 3, 20]] = unlearned[11]
    unlearned[5] = unlearned[29]
    (result,) = find_duplicates(unlearned, retrained)
    assert isinstance(result, Duplicates)
    assert result.groups == ((3, 7, 11, 20), (5, 29))
    assert result.equal == 6
    assert result.sentence.startswith("6 checkpoints are exact copies of another checkpoint ")


def test_nearly_equal_checkpoints_are_grouped():
    """Noise of a thousandth of the spread does not hide a copy; noise of a third makes it a different checkpoint."""
    unlearned, retrained = sample(1)
    rng = np.random.default_rng(1)
    unlearned[4] = unlearned[9] + 1e-3 * rng.normal(size=12)
    (result,) = find_duplicates(unlearned, retrained)
    assert isinstance(result, Duplicates)
    assert result.groups == ((4, 9),)
    assert result.equal == 0
    assert result.sentence == (
        f"2 checkpoints are nearly copies of another checkpoint (for example 4 and 9): closer than "
        f"{result.tolerance:.2g} deviations of the references, a tenth of what is usual or less."
    )
    unlearned[4] = unlearned[9] + np.std(retrained, axis=0) / 3
    assert find_duplicates(unlearned, retrained) == ()


def test_copies_of_references_are_named():
    """A copy of a reference is reported with that reference, whether exact or nearly so."""
    unlearned, retrained = sample(2)
    unlearned[6], unlearned[2] = retrained[17], retrained[30] + 1e-4
    (result,) = find_duplicates(unlearned, retrained)
    assert isinstance(result, Copies)
    assert result.pairs == ((2, 30), (6, 17))
    assert result.equal == 1
    assert "checkpoint 2 is reference 30" in result.sentence


def test_one_model_returned_n_times_is_one_group():
    """The original returned n times is one group of n; n copies of one reference are n copies too."""
    _, retrained = sample(3)
    (result,) = find_duplicates(np.tile(retrained[:1] + 3, (30, 1)), retrained)
    assert isinstance(result, Duplicates)
    assert result.groups == (tuple(range(30)),)
    both = find_duplicates(np.tile(retrained[4:5], (30, 1)), retrained)
    assert [type(flag).__name__ for flag in both] == ["Duplicates", "Copies"]


def test_nearness_is_not_transitive_but_groups_are():
    """A chain of near-copies is one group, whatever the order of its links."""
    retrained = np.random.default_rng(4).normal(size=(10, 3)) * 100
    step = (
        0.6 * find_duplicates(np.vstack([retrained[:1]] * 2), retrained)[0].tolerance * retrained.std(axis=0)
    )
    start = np.array([500.0, 500.0, 500.0])
    unlearned = np.stack([start, start + 2 * step, start * 2, start + step])
    (result,) = find_duplicates(unlearned, retrained)
    assert isinstance(result, Duplicates)
    assert result.groups == ((0, 1, 3),)


def test_equality_by_chance_is_not_flagged():
    """Coarse or saturated confidences coincide; if references coincide as often there is no flag."""
    rng = np.random.default_rng(5)
    coarse = np.round(rng.normal(size=(60, 1)))
    assert find_duplicates(coarse[:30], coarse[30:]) == ()
    assert find_duplicates(np.full((5, 3), 103.6), np.full((5, 3), 103.6)) == ()
    assert find_duplicates(np.full((5, 3), 103.6), np.full((5, 3), -103.6)) == ()


def test_zero_equals_minus_zero():
    """Rows that compare equal are equal."""
    rng = np.random.default_rng(6)
    (result,) = find_duplicates(np.array([[0.0, 1.0], [-0.0, 1.0], [2.0, 2.0]]), rng.normal(size=(5, 2)))
    assert isinstance(result, Duplicates)
    assert result.equal == 2


def test_outliers_are_named_on_their_side():
    """A diverged run and a diverged reference are two flags, with their distances."""
    ours, theirs = sample(7)
    ours[13] -= 60
    theirs[2] = -103.6
    unlearned, retrained = find_outliers(ours, theirs)
    assert (unlearned.side, unlearned.checkpoints) == ("unlearned", (13,))
    assert (retrained.side, retrained.checkpoints) == ("retrained", (2,))
    assert unlearned.distances[0] > 10 > 2 > unlearned.typical
    assert "unlearned checkpoints are outliers: checkpoint 13" in unlearned.sentence


def test_outlier_distance_by_hand():
    """0, 1, 2, 3, 100: median 2, median deviation 1, so the last is 98 deviations off."""
    unlearned = np.array([[0.0], [1.0], [2.0], [3.0], [100.0]])
    (result,) = find_outliers(unlearned, unlearned[:4])
    assert (result.checkpoints, result.distances, result.typical) == ((4,), (98.0,), 1.0)


def test_bad_as_a_whole_is_no_outlier():
    """Each side is measured by its own median, so distance from the references does not matter."""
    unlearned, retrained = sample(8)
    assert find_outliers(unlearned * 5 + 80, retrained) == ()


def test_outlier_among_saturated_checkpoints():
    """If all others are saturated the other side's deviation is used; if that is zero too there is no flag."""
    _, retrained = sample(9)
    unlearned = np.full((30, 12), 103.6)
    unlearned[8] = -20
    (result,) = find_outliers(unlearned, retrained)
    assert result.checkpoints == (8,)
    assert find_outliers(unlearned, np.full((30, 12), 103.6)) == ()


def test_one_checkpoint_decides_example_17():
    """One extreme confidence makes an example peaky: the flag names both, and the epsilon without it."""
    rng = np.random.default_rng(10)
    unlearned, retrained = rng.normal(size=(64, 20)), rng.normal(size=(64, 20))
    before = published_epsilon(np.delete(unlearned, 20, axis=0), retrained)
    unlearned[20, 17] = unlearned[20, 3] = -100
    retrained, wide = retrained * 0.1, unlearned
    without = published_epsilon(np.delete(wide, 20, axis=0), retrained)
    assert published_epsilon(wide, retrained)[17] == 50
    (result,) = find_decided_by_one(wide, retrained)
    assert (result.side, result.checkpoint, result.examples) == ("unlearned", 20, (3, 17))
    assert result.epsilon_without == (without[3], without[17])
    assert max(result.epsilon_without) < 50
    assert before.shape == without.shape
    assert "epsilon of example 3 and 1 more depends on unlearned checkpoint 20 alone" in result.sentence


def test_a_reference_can_decide_too():
    """References are reported too, and of both sides the flag with the most examples comes first."""
    rng = np.random.default_rng(11)
    unlearned, retrained = rng.normal(size=(30, 9)), rng.normal(size=(40, 9))
    retrained[35, [0, 4, 8]] = 1e4
    unlearned[1, 2] = -1e4
    result = find_decided_by_one(unlearned, retrained)
    assert [(f.side, f.checkpoint, f.examples) for f in result] == [
        ("retrained", 35, (0, 4, 8)),
        ("unlearned", 1, (2,)),
    ]
    assert result[0].sentence.startswith("The epsilon of example 0 and 2 more depends on reference 35 alone")


def slow_culprits(unlearned, retrained):
    """Return, for each example, the checkpoints without which it is not peaky."""

    def peaky(a, b):
        small, large = sorted([np.ptp(a), np.ptp(b)])
        return large > 0 and small / large < 0.01

    result = {}
    for e in range(unlearned.shape[1]):
        a, b = unlearned[:, e], retrained[:, e]
        if not peaky(a, b):
            continue
        alone = [("unlearned", i) for i in range(len(a)) if not peaky(np.delete(a, i), b)]
        alone += [("retrained", i) for i in range(len(b)) if not peaky(a, np.delete(b, i))]
        if alone:
            result[e] = alone
    return result


@pytest.mark.parametrize("seed", range(20))
def test_culprits_equal_those_of_leaving_each_out(seed):
    """Leaving out every checkpoint in turn gives the same examples, and the reported checkpoint is a candidate."""
    rng = np.random.default_rng(seed)
    width = 10.0 ** rng.uniform(-3, 0, size=60)
    unlearned, retrained = (np.clip(rng.standard_t(1, size=(models, 60)), -9000, 9000) for models in (9, 7))
    unlearned *= width
    retrained[:, :5] = np.round(retrained[:, :5])
    unlearned[:, 5:8] = 1.0
    slow = slow_culprits(unlearned, retrained)
    fast = {e: (f.side, f.checkpoint) for f in find_decided_by_one(unlearned, retrained) for e in f.examples}
    assert set(fast) == set(slow)
    assert all(fast[e] in slow[e] for e in fast)


def test_two_extreme_checkpoints_are_not_flagged():
    """If two checkpoints are extreme at the same end, neither decides alone."""
    rng = np.random.default_rng(12)
    unlearned, retrained = rng.normal(size=(30, 4)), rng.normal(size=(30, 4))
    unlearned[[3, 4], 1] = 5000
    assert find_decided_by_one(unlearned, retrained) == ()


def test_one_off_among_constants_decides():
    """Saturated samples that differ in one checkpoint only have an epsilon of 0 without it."""
    unlearned, retrained = np.full((10, 2), 103.6), np.full((10, 2), 103.6)
    unlearned[6, 1] = 20
    (result,) = find_decided_by_one(unlearned, retrained)
    assert (result.checkpoint, result.examples, result.epsilon_without) == (6, (1,), (0.0,))


def test_two_models_a_side_decide_nothing():
    """A side of two models is skipped: without one of them its range is zero."""
    assert find_decided_by_one(np.array([[0.0], [1000.0]]), np.array([[0.0], [1.0]])) == ()


def test_all_flags_at_once():
    """A cheat with copies, a diverged run and a duplicate has every flag, in the order of the types."""
    rng = np.random.default_rng(13)
    unlearned, retrained = mixture(rng, 64, 40), rng.normal(size=(64, 40))
    unlearned[0], unlearned[1], unlearned[2] = retrained[5], unlearned[9], -60.0
    unlearned[2, 7] = 3000.0
    flags = find_flags(unlearned, retrained, seed=0)
    assert [type(flag) for flag in flags] == [Mixture, Duplicates, Copies, Outliers, DecidedByOne]
    for flag in flags:
        assert flag.sentence.endswith(".")
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(flag, dataclasses.fields(flag)[0].name, None)


def test_good_checkpoints_have_no_flag():
    """Two sets of references, of a few sizes, and constants have no flag at all."""
    for n, m, examples in ((2, 2, 1), (2, 9, 4), (30, 12, 1), (40, 40, 20)):
        rng = np.random.default_rng([n, m])
        assert find_flags(rng.normal(size=(n, examples)), rng.normal(size=(m, examples)), seed=0) == ()
    assert find_flags(np.ones((4, 3)), np.ones((5, 3)), seed=0) == ()


def test_inputs_are_only_read():
    """Inputs that refuse writes are accepted and are not changed."""
    unlearned, retrained = sample(14)
    unlearned[3] = unlearned[4]
    unlearned[5, 1] = 900
    before = unlearned.copy(), retrained.copy()
    unlearned.flags.writeable = retrained.flags.writeable = False
    assert find_flags(unlearned, retrained, seed=1) == find_flags(unlearned, retrained, seed=1) != ()
    np.testing.assert_array_equal(unlearned, before[0])
    np.testing.assert_array_equal(retrained, before[1])


@pytest.mark.parametrize("find", [find_duplicates, find_outliers, find_decided_by_one])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.ones(3), "must have shape"),
        (np.ones((1, 2)), "(2|two) or more"),
        (np.full((3, 2), np.nan), "finite"),
    ],
)
def test_impossible_samples_are_refused(find, bad, message):
    """What cannot be two samples of the same examples is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        find(bad, np.ones((3, 2)))
    with pytest.raises(ValueError, match=message):
        find(np.ones((3, 2)), bad)


def test_diverged_checkpoints_are_no_duplicates():
    """Five with all confidences at the end of their scale are none; with one example elsewhere they are."""
    rng = np.random.default_rng(21)
    unlearned, retrained = rng.normal(size=(8, 10)), rng.normal(size=(16, 10))
    unlearned[:5] = -103.617
    assert find_duplicates(unlearned, retrained) == ()
    unlearned[:5, 0] = 1.5
    (duplicates,) = find_duplicates(unlearned, retrained)
    assert isinstance(duplicates, Duplicates)
    assert duplicates.groups == ((0, 1, 2, 3, 4),)
    assert duplicates.equal == 5
