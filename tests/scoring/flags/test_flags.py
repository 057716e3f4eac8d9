"""Does each flag say what was done to the checkpoints, and none anything about good ones?"""

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
    ours, theirs = sample(0)
    ours[[7, 3, 20]] = ours[11]
    ours[5] = ours[29]
    (found,) = find_duplicates(ours, theirs)
    assert isinstance(found, Duplicates)
    assert found.groups == ((3, 7, 11, 20), (5, 29))
    assert found.equal == 6
    assert found.sentence.startswith("6 checkpoints equal another to the last bit, as ")


def test_nearly_equal_checkpoints_are_grouped():
    """Noise of a thousandth of the spread does not hide a copy; noise of a third makes it another."""
    ours, theirs = sample(1)
    rng = np.random.default_rng(1)
    ours[4] = ours[9] + 1e-3 * rng.normal(size=12)
    (found,) = find_duplicates(ours, theirs)
    assert isinstance(found, Duplicates)
    assert found.groups == ((4, 9),)
    assert found.equal == 0
    ours[4] = ours[9] + np.std(theirs, axis=0) / 3
    assert find_duplicates(ours, theirs) == ()


def test_references_handed_in_are_named():
    """A copy of a reference is named with it, to the last bit or not."""
    ours, theirs = sample(2)
    ours[6], ours[2] = theirs[17], theirs[30] + 1e-4
    (found,) = find_duplicates(ours, theirs)
    assert isinstance(found, Copies)
    assert found.pairs == ((2, 30), (6, 17))
    assert found.equal == 1
    assert "checkpoint 2 is reference 30" in found.sentence


def test_one_model_handed_in_n_times_is_one_group():
    """The original returned n times is one group of n; n copies of one reference are n copies too."""
    _, theirs = sample(3)
    (found,) = find_duplicates(np.tile(theirs[:1] + 3, (30, 1)), theirs)
    assert isinstance(found, Duplicates)
    assert found.groups == (tuple(range(30)),)
    both = find_duplicates(np.tile(theirs[4:5], (30, 1)), theirs)
    assert [type(flag).__name__ for flag in both] == ["Duplicates", "Copies"]


def test_nearness_is_not_transitive_but_groups_are():
    """A chain of near copies is one group, in whatever order its links are found."""
    theirs = np.random.default_rng(4).normal(size=(10, 3)) * 100
    step = 0.6 * find_duplicates(np.vstack([theirs[:1]] * 2), theirs)[0].tolerance * theirs.std(axis=0)
    start = np.array([500.0, 500.0, 500.0])
    ours = np.stack([start, start + 2 * step, start * 2, start + step])
    (found,) = find_duplicates(ours, theirs)
    assert isinstance(found, Duplicates)
    assert found.groups == ((0, 1, 3),)


def test_equality_by_chance_is_no_finding():
    """Coarse or saturated confidences coincide; as often among references means nothing is said."""
    rng = np.random.default_rng(5)
    coarse = np.round(rng.normal(size=(60, 1)))
    assert find_duplicates(coarse[:30], coarse[30:]) == ()
    assert find_duplicates(np.full((5, 3), 103.6), np.full((5, 3), 103.6)) == ()
    assert find_duplicates(np.full((5, 3), 103.6), np.full((5, 3), -103.6)) == ()


def test_zero_equals_minus_zero():
    """Rows that compare equal are equal."""
    rng = np.random.default_rng(6)
    (found,) = find_duplicates(np.array([[0.0, 1.0], [-0.0, 1.0], [2.0, 2.0]]), rng.normal(size=(5, 2)))
    assert isinstance(found, Duplicates)
    assert found.equal == 2


def test_outliers_are_named_on_their_side():
    """A diverged run and a diverged reference are two findings, with their distances."""
    ours, theirs = sample(7)
    ours[13] -= 60
    theirs[2] = -103.6
    unlearned, retrained = find_outliers(ours, theirs)
    assert (unlearned.side, unlearned.checkpoints) == ("unlearned", (13,))
    assert (retrained.side, retrained.checkpoints) == ("retrained", (2,))
    assert unlearned.distances[0] > 10 > 2 > unlearned.typical
    assert "unlearned checkpoints are far from the rest: checkpoint 13" in unlearned.sentence


def test_outlier_distance_by_hand():
    """0, 1, 2, 3, 100: median 2, median deviation 1, so the last is 98 deviations off."""
    ours = np.array([[0.0], [1.0], [2.0], [3.0], [100.0]])
    (found,) = find_outliers(ours, ours[:4])
    assert (found.checkpoints, found.distances, found.typical) == ((4,), (98.0,), 1.0)


def test_bad_as_a_whole_is_no_outlier():
    """Each side is measured by itself: far from the references is not far from the others."""
    ours, theirs = sample(8)
    assert find_outliers(ours * 5 + 80, theirs) == ()


def test_outlier_among_saturated_checkpoints():
    """Where all others are saturated the other side's deviation serves; without any there is no finding."""
    _, theirs = sample(9)
    ours = np.full((30, 12), 103.6)
    ours[8] = -20
    (found,) = find_outliers(ours, theirs)
    assert found.checkpoints == (8,)
    assert find_outliers(ours, np.full((30, 12), 103.6)) == ()


def test_one_checkpoint_decides_example_17():
    """One extreme confidence makes an example peaky: the flag names both, and the epsilon without it."""
    rng = np.random.default_rng(10)
    ours, theirs = rng.normal(size=(64, 20)), rng.normal(size=(64, 20))
    before = published_epsilon(np.delete(ours, 20, axis=0), theirs)
    ours[20, 17] = ours[20, 3] = -100
    theirs, wide = theirs * 0.1, ours
    without = published_epsilon(np.delete(wide, 20, axis=0), theirs)
    assert published_epsilon(wide, theirs)[17] == 50
    (found,) = find_decided_by_one(wide, theirs)
    assert (found.side, found.checkpoint, found.examples) == ("unlearned", 20, (3, 17))
    assert found.epsilon_without == (without[3], without[17])
    assert max(found.epsilon_without) < 50
    assert before.shape == without.shape
    assert "Unlearned checkpoint 20 alone decides example 3 and 1 others" in found.sentence


def test_a_reference_can_decide_too():
    """The same with a reference, and both sides' findings come with the most examples first."""
    rng = np.random.default_rng(11)
    ours, theirs = rng.normal(size=(30, 9)), rng.normal(size=(40, 9))
    theirs[35, [0, 4, 8]] = 1e4
    ours[1, 2] = -1e4
    found = find_decided_by_one(ours, theirs)
    assert [(f.side, f.checkpoint, f.examples) for f in found] == [
        ("retrained", 35, (0, 4, 8)),
        ("unlearned", 1, (2,)),
    ]
    assert found[0].sentence.startswith("Reference 35 alone decides example 0 and 2 others")


def slow_culprits(ours, theirs):
    """Return, for each example, who of all checkpoints ends its peakiness by leaving."""

    def peaky(a, b):
        small, large = sorted([np.ptp(a), np.ptp(b)])
        return large > 0 and small / large < 0.01

    result = {}
    for e in range(ours.shape[1]):
        a, b = ours[:, e], theirs[:, e]
        if not peaky(a, b):
            continue
        alone = [("unlearned", i) for i in range(len(a)) if not peaky(np.delete(a, i), b)]
        alone += [("retrained", i) for i in range(len(b)) if not peaky(a, np.delete(b, i))]
        if alone:
            result[e] = alone
    return result


@pytest.mark.parametrize("seed", range(20))
def test_culprits_equal_those_of_leaving_each_out(seed):
    """Leaving every checkpoint out in turn finds the same examples, and the one named is among them."""
    rng = np.random.default_rng(seed)
    width = 10.0 ** rng.uniform(-3, 0, size=60)
    ours, theirs = (np.clip(rng.standard_t(1, size=(models, 60)), -9000, 9000) for models in (9, 7))
    ours *= width
    theirs[:, :5] = np.round(theirs[:, :5])
    ours[:, 5:8] = 1.0
    slow = slow_culprits(ours, theirs)
    fast = {e: (f.side, f.checkpoint) for f in find_decided_by_one(ours, theirs) for e in f.examples}
    assert set(fast) == set(slow)
    assert all(fast[e] in slow[e] for e in fast)


def test_two_extreme_checkpoints_share_the_blame():
    """Of two on one end neither decides alone."""
    rng = np.random.default_rng(12)
    ours, theirs = rng.normal(size=(30, 4)), rng.normal(size=(30, 4))
    ours[[3, 4], 1] = 5000
    assert find_decided_by_one(ours, theirs) == ()


def test_one_off_among_constants_decides():
    """Saturated samples that agree but for one checkpoint have an epsilon of 0 without it."""
    ours, theirs = np.full((10, 2), 103.6), np.full((10, 2), 103.6)
    ours[6, 1] = 20
    (found,) = find_decided_by_one(ours, theirs)
    assert (found.checkpoint, found.examples, found.epsilon_without) == (6, (1,), (0.0,))


def test_two_models_a_side_decide_nothing():
    """Without one of two there is no sample left to measure."""
    assert find_decided_by_one(np.array([[0.0], [1000.0]]), np.array([[0.0], [1.0]])) == ()


def test_all_flags_at_once():
    """A cheat with copies, a diverged run and a duplicate has every flag, in the order of the types."""
    rng = np.random.default_rng(13)
    ours, theirs = mixture(rng, 64, 40), rng.normal(size=(64, 40))
    ours[0], ours[1], ours[2] = theirs[5], ours[9], -60.0
    ours[2, 7] = 3000.0
    flags = find_flags(ours, theirs, seed=0)
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
    """Inputs that refuse writes are accepted and stay as they were."""
    ours, theirs = sample(14)
    ours[3] = ours[4]
    ours[5, 1] = 900
    before = ours.copy(), theirs.copy()
    ours.flags.writeable = theirs.flags.writeable = False
    assert find_flags(ours, theirs, seed=1) == find_flags(ours, theirs, seed=1) != ()
    np.testing.assert_array_equal(ours, before[0])
    np.testing.assert_array_equal(theirs, before[1])


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
