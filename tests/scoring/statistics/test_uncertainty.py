"""Intervals of the score: their coverage, their centre, and their behaviour at the edges."""

import math

import numpy as np
import pytest

from benchmarks.null_simulation import coverage, nothing_certified
from benchmarks.simulated_models import Scenario
from scoring import Accuracies, forgetting_quality, published_epsilon
from scoring.statistics.uncertainty import score_uncertainty


def inputs(n=24, m=20, examples=6, seed=0):
    """Return valid arguments of `score_uncertainty`."""
    rng = np.random.default_rng(seed)
    return {
        "unlearned": rng.normal(size=(n, examples)),
        "retrained": rng.normal(size=(m, examples)),
        "unlearned_accuracies": Accuracies(retain=rng.uniform(0.8, 1, n), test=rng.uniform(0.5, 0.7, n)),
        "reference_accuracies": Accuracies(retain=rng.uniform(0.8, 1, m), test=rng.uniform(0.6, 0.8, m)),
        "seed": 0,
        "splits": 3,
    }


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(Scenario(name="null", correlation=0.5), marks=pytest.mark.long, id="null"),
        pytest.param(Scenario(name="shift", shift=1.0, correlation=0.5), id="shift"),
    ],
)
def test_interval_holds_the_expected_score(scenario):
    """Over 80 repetitions at n = 64 the 95 % interval contains the score's expectation in 90 to 99 %.

    The script `benchmarks/null_simulation.py` does the same at full size, 200 times.
    """
    claims = {
        claim.quantity: claim
        for claim in coverage(
            scenario, models=64, examples=5, repetitions=80, seed=1, splits=8, ceilings=False
        )
    }
    assert 0.90 <= claims["score: 95 % interval holds it"].value <= 0.99
    assert claims["rerun noise, as estimated (relative)"].holds


def test_estimate_is_the_score():
    """The intervals lie around the published score and its parts, whatever the seed."""
    arguments = inputs()
    result = score_uncertainty(**arguments)
    quality = forgetting_quality(published_epsilon(arguments["unlearned"], arguments["retrained"]), 24)
    ratios = [
        getattr(arguments["unlearned_accuracies"], split).mean()
        / getattr(arguments["reference_accuracies"], split).mean()
        for split in ("retain", "test")
    ]
    assert result.forgetting_quality.estimate == quality
    assert result.retain_ratio.estimate == pytest.approx(ratios[0])
    assert result.test_ratio.estimate == pytest.approx(ratios[1])
    assert result.score.estimate == pytest.approx(quality * ratios[0] * ratios[1])
    for interval in (result.forgetting_quality, result.retain_ratio, result.test_ratio, result.score):
        assert interval.low < interval.estimate < interval.high


def test_ratio_has_the_error_of_the_delta_method():
    """The jackknife's variance of a ratio of means is the textbook's, r² (s²/(n x̄²) + t²/(m ȳ²))."""
    arguments = inputs(n=200, m=300, examples=1)
    result = score_uncertainty(**arguments)
    unlearned, retrained = arguments["unlearned_accuracies"].test, arguments["reference_accuracies"].test
    parts = [np.var(x, ddof=1) / x.size / x.mean() ** 2 for x in (unlearned, retrained)]
    assert result.test_ratio.standard_error == pytest.approx(
        result.test_ratio.estimate * math.sqrt(sum(parts)), rel=0.01
    )


def test_rerun_noise_leaves_the_references_out():
    """Drawing only the unlearned models again changes the score less than drawing both again.

    Here the references' accuracies vary much, and the unlearned models' not at all.
    """
    arguments = inputs(n=40, m=40, examples=40)
    arguments["unlearned_accuracies"] = Accuracies(retain=np.full(40, 0.5), test=np.full(40, 0.5))
    wild = np.random.default_rng(0).uniform(0, 1, size=(2, 40))
    arguments["reference_accuracies"] = Accuracies(retain=wild[0], test=wild[1])
    result = score_uncertainty(**{**arguments, "splits": 12})
    assert result.rerun_relative < result.score.standard_error / result.score.estimate
    assert result.rerun_standard_deviation == pytest.approx(result.rerun_relative * result.score.estimate)


def test_bootstrap_with_replacement_is_biased():
    """Drawing models with replacement raises the null's mean epsilon by 10 to 30 %; halving does not.

    The reason why models are drawn without replacement: 1.55 becomes 1.82 at n = 512.
    """
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(size=(2, 128, 150))
    plain = published_epsilon(unlearned, retrained).mean()

    def redrawn(size, *, replace):
        draws = [
            published_epsilon(
                unlearned[rng.choice(128, size, replace)], retrained[rng.choice(128, size, replace)]
            )
            for _ in range(4)
        ]
        return np.mean(draws)

    assert 1.1 < redrawn(128, replace=True) / plain < 1.3
    assert redrawn(64, replace=False) / plain == pytest.approx(1, abs=0.05)


def test_original_returned_n_times_has_no_error():
    """A score of 0 from one constant model has the interval [0, 0] and no rerun noise."""
    arguments = inputs()
    arguments["unlearned"] = np.tile(arguments["unlearned"][:1], (24, 1))
    result = score_uncertainty(**arguments)
    assert (result.score.low, result.score.high, result.rerun_relative) == (0, 0, 0)


def test_score_that_no_half_earns_is_uncertain():
    """If every pair of halves is separable but the whole is not, the error of F is F itself."""
    unlearned, retrained = np.array([[-6.0], [5], [2], [7]]), np.array([[0.0], [1], [8], [4]])
    result = score_uncertainty(
        unlearned=unlearned,
        retrained=retrained,
        unlearned_accuracies=some(4),
        reference_accuracies=some(4),
        seed=0,  # halves the unlearned into 2, -6 | 5, 7 and the retrained into 4, 8 | 1, 0
        splits=1,
    ).forgetting_quality
    assert result.estimate == result.standard_error == 0.5
    assert result.high == 1


def test_equal_constants_are_certain():
    """Populations that are all one constant have F = 1 without an error."""
    arguments = inputs()
    arguments["unlearned"], arguments["retrained"] = np.full((24, 2), 103.616), np.full((20, 2), 103.616)
    result = score_uncertainty(**arguments)
    assert (result.forgetting_quality.low, result.forgetting_quality.high) == (1, 1)


@pytest.mark.parametrize(("n", "m", "examples"), [(4, 4, 1), (5, 7, 1), (9, 4, 2), (4, 31, 3)])
def test_small_and_odd_populations(n, m, examples):
    """Four models a side suffice; odd numbers and fewer references than runs are accepted."""
    result = score_uncertainty(**inputs(n, m, examples))
    assert result.score.low <= result.score.estimate <= result.score.high


def test_seed_decides():
    """The same seed gives the same intervals, and another seed others around the same score."""
    first, again, other = (score_uncertainty(**{**inputs(), "seed": seed}) for seed in (1, 1, 2))
    assert first == again
    assert first.score != other.score
    assert first.score.estimate == other.score.estimate
    assert first.test_ratio == other.test_ratio


def test_inputs_are_only_read():
    """Confidences that refuse writes are accepted and are not changed."""
    arguments = inputs()
    before = {name: arguments[name].copy() for name in ("unlearned", "retrained")}
    for name in before:
        arguments[name].flags.writeable = False
    score_uncertainty(**arguments)
    for name, copy in before.items():
        np.testing.assert_array_equal(arguments[name], copy)


def some(models, retain=0.5, test=0.5):
    return Accuracies(retain=np.full(models, retain), test=np.full(models, test))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unlearned": np.zeros((3, 6))}, "unlearned .* 4 or more models"),
        ({"retrained": np.zeros((3, 6))}, "retrained .* 4 or more models"),
        ({"retrained": np.zeros((20, 5))}, "same examples"),
        ({"unlearned": np.full((24, 6), np.nan)}, "must be finite"),
        ({"unlearned_accuracies": some(23)}, "unlearned confidences and accuracies"),
        ({"reference_accuracies": some(21)}, "retrained confidences and accuracies"),
        ({"reference_accuracies": some(20, test=0.0)}, "no correct answer"),
        ({"splits": 0}, "1 or more"),
        ({"confidence": 0.0}, "confidence must lie"),
    ],
)
def test_impossible_arguments_are_refused(changes, message):
    """What cannot be two populations of models is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        score_uncertainty(**{**inputs(), **changes})


def test_nothing_is_certified_under_the_null():
    """In 95 % or more of 100 repetitions every bound is 0, with correlated examples too."""
    for correlation in (0.0, 0.9):
        scenario = Scenario(name="null", correlation=correlation)
        assert nothing_certified(scenario, models=64, examples=40, repetitions=100, seed=0).holds
