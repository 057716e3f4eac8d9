"""Checkpoints fitted to the references are flagged, retrainings and honest methods are not."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.too_close.fitted import cheats
from runner.sanitize import sanitize_line
from scoring.card.codec import encode
from scoring.card.flags import card_flags
from scoring.card.levels import flag_level
from scoring.flags.evenness import _ranks, evenness_test
from scoring.flags.mmd import discrepancy_test, pool_checkpoints
from scoring.flags.nearness import MIN_EXAMPLES, nearest_pairs, nearest_reference
from scoring.flags.too_close import LEVEL, TooClose, find_too_close
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.statistics.ceiling import ceiling
from scoring.statistics.prediction import predict_quality
from tests.support.cheats import realistic

EXAMPLES = 40


def normal(seed, models, examples=EXAMPLES):
    return np.random.default_rng(seed).normal(size=(models, examples))


def flag_of(unlearned, retrained, seed=0, limit=None):
    """Return the flag as a score card computes it; a ceiling is computed unless there is one."""
    n = len(unlearned)
    quality = forgetting_quality(published_epsilon(unlearned, retrained), n)
    pool = pool_checkpoints(unlearned, retrained)
    joint_p = discrepancy_test(pool.kernel, n=n, seed=seed).smaller
    limit = limit or ceiling(retrained, n, seed=seed)
    return find_too_close(
        unlearned, retrained, quality=quality, limit=limit, joint_p=joint_p, seed=seed, pool=pool
    )


@pytest.fixture(scope="module")
def fitted():
    """Return 64 references, and each population fitted to them by name."""
    pool, references = normal(1, 512), normal(2, 64)
    chosen = cheats(pool, references, 64, rng=np.random.default_rng(3), tries=40)
    return references, ceiling(references, 64, seed=0), {name: make() for name, make in chosen.items()}


@pytest.mark.parametrize(
    ("name", "tests"),
    [
        ("chosen: quantiles matched", {"evenness"}),
        ("chosen: herding", {"evenness", "joint"}),
        ("chosen: F increased", {"quality", "evenness"}),
        ("half chosen (quantiles), half honest", {"evenness"}),
        ("half chosen (herding), half honest", {"joint"}),
        ("references + noise 0.3", {"quality", "evenness", "joint", "pairs", "single"}),
        ("references + noise 0.6", {"joint", "pairs", "single"}),
        ("one reference + noise 0.2", {"single"}),
        ("an eighth references + noise 0.3", {"single"}),
        ("steered: their values, each example shuffled", {"quality", "evenness"}),
    ],
)
def test_populations_fitted_to_the_references_are_flagged(fitted, name, tests):
    """By the tests that look at what was fitted, and by others or not."""
    references, limit, populations = fitted
    flag = flag_of(populations[name], references, limit=limit)
    assert flag is not None
    assert set(flag.tests) >= tests
    (shown,) = card_flags((flag,), None, None, None)
    assert shown.kind == "too-close"
    assert flag_level(shown.kind, shown.sentence) == "suspicion"
    assert shown.sentence.startswith("The checkpoints are closer to these references than fresh retrainings")
    assert shown.sentence.endswith(". At most 1 % of honest retrainings have this flag.")
    assert {"quality_p", "evenness_p", "joint_p", "pairs_p", "single_p"} <= shown.figures.keys()
    json.dumps(encode(shown), allow_nan=False)


def test_a_sentence_has_the_strongest_tests_and_is_shown_whole():
    """What reports cut is 300 characters; the figures have all p-values."""
    flag = TooClose(
        tests=("quality", "evenness", "joint", "pairs", "single"),
        level=LEVEL,
        quality_p=0.00012345,
        quality_ratio=1.234567,
        quality_limit=1.1234567,
        evenness_p=0.002,
        joint_p=0.001,
        pairs_p=0.002,
        pairs=1234,
        pairs_across=1234,
        single_p=1.2345e-100,
        checkpoint=10000,
        reference=10000,
        distance_ratio=1e-9,
    )
    assert (
        flag.sentence
        == sanitize_line(flag.sentence)
        == (
            "The checkpoints are closer to these references than fresh retrainings are: checkpoint 10000 is 1e+06 "
            "times nearer to reference 10000 than to others (p = 1.2e-100); F is 1.23 times that of retraining, limit "
            "1.12 (p = 0.00012); 3 more tests agree. At most 1 % of honest retrainings have this flag."
        )
    )
    weaker = replace(flag, tests=("evenness", "joint", "pairs")).sentence
    assert "whole checkpoints agree better than chance allows (p = 0.001); single examples" in weaker
    assert "; 1 more test agrees. " in weaker


@pytest.mark.parametrize(("n", "m"), [(16, 16), (64, 64), (17, 200)])
def test_fresh_retrainings_are_not(n, m):
    """Of a few sizes, independent or with a common factor and heavy tails."""
    rng = np.random.default_rng([n, m])
    assert flag_of(rng.normal(size=(n, EXAMPLES)), rng.normal(size=(m, EXAMPLES))) is None
    assert flag_of(realistic(rng, n, EXAMPLES), realistic(rng, m, EXAMPLES)) is None


@pytest.mark.parametrize("spread", [0.02, 0.5, 0.8, 1.3, 2.0])
@pytest.mark.parametrize("bias", [0.0, 0.4])
def test_honest_methods_of_another_spread_are_not(fitted, spread, bias):
    """Although the narrow ones are nearer to every reference than references are to each other."""
    references, limit, _ = fitted
    assert flag_of(bias + spread * normal(4, 64), references, limit=limit) is None


def test_a_few_runs_of_a_narrow_method_are_not():
    """Their mean is as near to that of the references as the method allows."""
    assert flag_of(0.4 * normal(4, 20), normal(5, 100)) is None


def test_the_lower_tails_are_exact():
    """Small p-values are as rare as they should be, with a common factor and heavy tails."""
    rng = np.random.default_rng(6)
    p_values = []
    for seed in range(300):
        unlearned, retrained = realistic(rng, 12, 15), realistic(rng, 20, 15)
        kernel = pool_checkpoints(unlearned, retrained).kernel
        p_values.append(
            (
                evenness_test(unlearned, retrained, seed=seed).smaller,
                discrepancy_test(kernel, n=12, seed=seed).smaller,
                nearest_pairs(kernel, n=12, seed=seed).p_value,
            )
        )
    for level in (0.05, 0.2):
        shares = (np.array(p_values) <= level).mean(axis=0)
        assert (shares <= level + 3 * np.sqrt(level * (1 - level) / 300)).all()
        assert (shares[:2] >= level - 3 * np.sqrt(level * (1 - level) / 300)).all()


def test_both_tails_belong_to_one_test():
    """Assignments as extreme as the true one count in both."""
    test = evenness_test(normal(7, 20), normal(8, 30), seed=0)
    assert 1.001 <= test.larger + test.smaller <= 1.01
    constant = evenness_test(np.ones((4, 2)), np.ones((5, 2)), seed=0)
    assert (constant.larger, constant.smaller) == (1.0, 1.0)


def test_ranks_by_hand():
    """Equal values share their mean rank; each column is ranked alone."""
    values = np.array([[3.0, 1.0], [1.0, 1.0], [3.0, 1.0], [5.0, 1.0]])
    np.testing.assert_allclose(_ranks(values), np.array([[2, 2], [0.5, 2], [2, 2], [3.5, 2]]) / 4)


def test_evenness_depends_on_order_alone():
    """A monotone function of each example changes nothing."""
    unlearned, retrained = normal(9, 20), normal(10, 25)
    plain = evenness_test(unlearned, retrained, seed=1)
    assert evenness_test(np.exp(unlearned), np.exp(retrained), seed=1) == plain


def test_a_nearest_reference_by_its_power_law():
    """Distances that follow the law give uniform p-values, whatever the dimension."""
    rng = np.random.default_rng(11)
    p_values = []
    for _ in range(600):
        kernel = np.full((41, 41), 0.5)
        kernel[0, 1:] = np.exp(-(rng.uniform(size=40) ** (2 / 9)))
        near = nearest_reference(kernel, n=1)
        assert near is not None
        p_values.append(near.p_value)
    assert np.quantile(p_values, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.06)


def test_the_nearest_reference_is_named():
    """With its distance as a fraction of that to the second nearest."""
    unlearned, retrained = normal(12, 20), normal(13, 30)
    unlearned[7] = retrained[21] + 0.1 * normal(14, 1)[0]
    near = nearest_reference(pool_checkpoints(unlearned, retrained).kernel, n=20)
    assert near is not None
    assert (near.checkpoint, near.reference) == (7, 21)
    assert near.ratio < 0.2
    assert near.p_value < LEVEL


def stuck(rng, models):
    """Return models of which 4 % got stuck far away, in one of two places."""
    confidences = rng.normal(size=(models, 100))
    lost = rng.random(models) < 0.04
    confidences[lost] = rng.choice([-8, 8], size=(lost.sum(), 1)) + rng.normal(size=(lost.sum(), 100))
    return confidences


def constant_answers(rng, models):
    """Return models of which a tenth answer all examples with one class of ten."""
    confidences = rng.normal(size=(models, 100))
    lost = np.flatnonzero(rng.random(models) < 0.1)
    labels = np.random.default_rng(1).integers(10, size=100)
    for row in lost:
        confidences[row] = np.where(labels == rng.integers(10), 2, -2) + 0.05 * rng.normal(size=100)
    return confidences


def two_modes(rng, models):
    """Return models that are certain, right or wrong, about each of 20 examples."""
    return 3 * rng.choice([-1, 1], size=(models, 20)) + 0.2 * rng.normal(size=(models, 20))


@pytest.mark.parametrize("retrain", [stuck, constant_answers, two_modes])
def test_runs_that_lie_apart_have_no_nearest_reference(retrain):
    """Failed retrainings are alike, on both sides; such pairs are chance."""
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 7])
        near = nearest_reference(pool_checkpoints(retrain(rng, 64), retrain(rng, 64)).kernel, n=64)
        alarms += near is not None and near.p_value <= LEVEL
    assert alarms <= 1


@pytest.mark.parametrize("seed", range(3))
def test_a_failed_run_on_each_side_is_no_suspicion(seed):
    """F of both is larger than the ceiling, because in its parts one side alone has the failed reference."""
    unlearned, retrained = normal(30 + seed, 64, 60), normal(40 + seed, 64, 60)
    unlearned[0] -= 8
    retrained[0] -= 8
    assert flag_of(unlearned, retrained) is None


@pytest.mark.parametrize("noise", [0.1, 0.3])
def test_copies_are_found_beside_a_failed_retraining(noise):
    """Those of the references that did not fail."""
    rng = np.random.default_rng(0)
    retrained = rng.normal(size=(64, 100))
    retrained[0] -= 8
    copies = retrained + noise * rng.normal(size=retrained.shape)
    near = nearest_reference(pool_checkpoints(copies, retrained).kernel, n=64)
    assert near is not None
    assert near.p_value <= LEVEL


def test_a_single_reference_needs_enough_examples():
    """With few of them a small distance may be chance."""
    for examples, tests in ((MIN_EXAMPLES - 1, set()), (MIN_EXAMPLES, {"single"})):
        unlearned, retrained = normal(27, 32, examples), normal(28, 32, examples)
        middle = np.abs(retrained).sum(axis=1).argmin()
        unlearned[3] = retrained[middle] + 1e-4
        flag = flag_of(unlearned, retrained)
        assert set(flag.tests if flag else ()) == tests


def test_coarse_confidences_have_no_nearest_reference():
    """Where references equal each other, an unlearned checkpoint may equal one by chance."""
    unlearned, retrained = np.round(normal(15, 20, 3)), np.round(normal(16, 40, 3))
    assert nearest_reference(pool_checkpoints(unlearned, retrained).kernel, n=20) is None
    assert nearest_reference(np.eye(10), n=5) is None


@pytest.mark.parametrize(
    ("unlearned", "retrained"),
    [
        (normal(17, 15), normal(17, 15)),
        (normal(18, 40), normal(18, 40)[:15]),
        (np.full((20, 3), 103.6), np.full((20, 3), 103.6)),
        (normal(19, 20), np.ones((20, EXAMPLES))),
    ],
)
def test_there_is_no_flag_where_nothing_could_be_told(unlearned, retrained):
    """Fewer than 16 models, or references that are all the same."""
    assert find_too_close(unlearned, retrained, quality=0.2, limit=None, joint_p=0.001, seed=0) is None


def test_saturated_examples_do_not_accuse():
    """Most values equal the bound on both sides, as after too long a training."""
    rng = np.random.default_rng(20)
    for seed in range(2):
        models = np.minimum(rng.normal(2, 1, size=(60, 20)), 1.5)
        assert flag_of(models[:30], models[30:], seed=seed) is None


@pytest.mark.parametrize("references", [20, 64])
def test_the_limit_and_the_p_value_agree(references):
    """F at the limit has the level as p-value, from a ceiling or from exchanged labels."""
    unlearned, retrained = normal(25, 64, 20), normal(26, references, 20)
    limit = ceiling(retrained, 64, seed=0)
    quality = forgetting_quality(published_epsilon(unlearned, retrained), 64)

    def predict(quality, level=LEVEL):
        return predict_quality(unlearned, retrained, quality=quality, limit=limit, level=level, seed=0)

    fresh = predict(quality)
    assert fresh.ratio == pytest.approx(1, abs=0.25)
    assert fresh.p_value > 0.01
    assert predict(quality, level=fresh.p_value).limit == pytest.approx(fresh.ratio)
    if references == 64:
        assert predict(quality * fresh.limit / fresh.ratio).p_value == pytest.approx(LEVEL)
    assert (
        predict_quality(np.ones((3, 1)), np.ones((3, 1)), quality=1.0, limit=None, level=LEVEL, seed=0)
        is None
    )
