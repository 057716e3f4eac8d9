"""Published score: its parts are combined as in the contest."""

import dataclasses

import numpy as np
import pytest

from scoring import (
    Accuracies,
    forgetting_quality,
    logit_scaled_confidence,
    published_epsilon,
    published_score,
)

N, M, EXAMPLES, CLASSES = 12, 9, 7, 4


def inputs(seed=0):
    """Return valid arguments of `published_score` with different n and m."""
    rng = np.random.default_rng(seed)
    return {
        "unlearned_logits": rng.normal(size=(N, EXAMPLES, CLASSES)).astype(np.float32),
        "reference_logits": rng.normal(size=(M, EXAMPLES, CLASSES)).astype(np.float32),
        "labels": rng.integers(0, CLASSES, size=EXAMPLES),
        "unlearned_accuracies": Accuracies(retain=np.full(N, 0.99), test=np.full(N, 0.6)),
        "reference_accuracies": Accuracies(retain=np.full(M, 0.9), test=np.full(M, 0.8)),
    }


def test_score_is_the_product_of_its_parts():
    """Score is F times both ratios, 1.1 and 0.75 here; clipped, 1.1 counts as 1."""
    arguments = inputs()
    result = published_score(**arguments)
    confidences = [
        logit_scaled_confidence(arguments[side], np.tile(arguments["labels"], (models, 1)))
        for side, models in (("unlearned_logits", N), ("reference_logits", M))
    ]
    epsilon = published_epsilon(*confidences)
    quality = forgetting_quality(epsilon, N)
    assert result.n == N
    np.testing.assert_array_equal(result.epsilon, epsilon)
    assert result.epsilon_mean == pytest.approx(epsilon.mean())
    assert result.forgetting_quality == quality > 0
    assert result.retain_ratio == pytest.approx(1.1)
    assert result.retain_ratio_clipped == 1
    assert result.test_ratio == result.test_ratio_clipped == pytest.approx(0.75)
    assert result.score == pytest.approx(quality * 1.1 * 0.75)
    assert result.score_clipped == pytest.approx(quality * 0.75)


def test_ratios_are_of_means():
    """A ratio divides mean by mean; unequal models and their number do not matter."""
    arguments = inputs()
    arguments["unlearned_accuracies"] = Accuracies(retain=np.linspace(0, 1, N), test=np.linspace(0.2, 0.6, N))
    result = published_score(**arguments)
    assert result.retain_ratio == pytest.approx(0.5 / 0.9)
    assert result.test_ratio == pytest.approx(0.4 / 0.8)


def test_references_as_submission_keep_all_their_utility():
    """References against themselves have epsilon 0 and ratios 1, so a score of 1."""
    arguments = inputs()
    arguments["unlearned_logits"] = arguments["reference_logits"]
    arguments["unlearned_accuracies"] = arguments["reference_accuracies"]
    result = published_score(**arguments)
    assert result.epsilon_mean == 0
    assert result.score == result.score_clipped == 1


def test_same_model_n_times_scores_zero():
    """The original returned n times is peaky on every example: epsilon 50, score 0."""
    arguments = inputs()
    arguments["unlearned_logits"] = np.tile(arguments["unlearned_logits"][:1], (N, 1, 1))
    result = published_score(**arguments)
    assert (result.epsilon == 50).all()
    assert result.score == 0


def test_two_models_a_side_are_accepted():
    """n = m = 2 is enough to compute a score, but there is no bin, so it is 0."""
    arguments = inputs()
    for side in ("unlearned", "reference"):
        arguments[f"{side}_logits"] = arguments[f"{side}_logits"][:2]
        arguments[f"{side}_accuracies"] = Accuracies(retain=np.ones(2), test=np.ones(2))
    assert published_score(**arguments).score == 0


def test_inputs_are_only_read():
    """Logits that refuse writes are accepted and are not changed."""
    arguments = inputs()
    before = {name: arguments[name].copy() for name in ("unlearned_logits", "reference_logits")}
    for name in before:
        arguments[name].flags.writeable = False
    published_score(**arguments)
    for name, copy in before.items():
        np.testing.assert_array_equal(arguments[name], copy)


def test_results_and_accuracies_cannot_be_changed():
    """Values are frozen, and so are their arrays, even against the arrays they came from."""
    source = np.full(3, 0.5)
    accuracies = Accuracies(retain=source, test=source)
    source[0] = 0.9
    assert accuracies.retain[0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        accuracies.test[0] = 1
    result = published_score(**inputs())
    with pytest.raises(ValueError, match="read-only"):
        result.epsilon[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.score = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("retain", "test", "message"),
    [
        ([0.5, 1.01], [0.5, 0.5], "retain accuracies must be fractions"),
        ([0.5, 0.5], [-0.1, 0.5], "test accuracies must be fractions"),
        ([0.5, np.nan], [0.5, 0.5], "must be finite"),
        ([], [], "must not be empty"),
        ([[0.5]], [0.5], "must have shape"),
        ([0.5], [0.5, 0.5], "same models"),
    ],
)
def test_impossible_accuracies_are_refused(retain, test, message):
    """What cannot be the accuracies of some models is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        Accuracies(retain=retain, test=test)


def some(models, value=0.5):
    return Accuracies(retain=np.full(models, value), test=np.full(models, value))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unlearned_logits": np.zeros((N, EXAMPLES))}, "unlearned logits must have shape"),
        ({"reference_logits": np.zeros((0, EXAMPLES, CLASSES))}, "reference logits must have"),
        ({"unlearned_logits": np.zeros((1, EXAMPLES, CLASSES))}, "two or more models"),
        ({"unlearned_logits": np.full((N, EXAMPLES, CLASSES), np.nan)}, "unlearned .* finite"),
        ({"reference_logits": np.full((M, EXAMPLES, CLASSES), np.inf)}, "reference .* finite"),
        ({"reference_logits": np.zeros((M, EXAMPLES + 1, CLASSES))}, "same examples"),
        ({"reference_logits": np.zeros((M, EXAMPLES, CLASSES + 1))}, "same examples"),
        ({"unlearned_logits": np.zeros((N, EXAMPLES, CLASSES), dtype=int)}, "floating point"),
        ({"labels": np.zeros(EXAMPLES - 1, dtype=int)}, "labels must have shape"),
        ({"labels": np.full(EXAMPLES, CLASSES)}, "labels must lie in"),
        ({"unlearned_accuracies": some(N - 1)}, "unlearned logits and accuracies"),
        ({"reference_accuracies": some(M + 1)}, "reference logits and accuracies"),
        ({"reference_accuracies": some(M, 0.0)}, "accuracy is zero"),
    ],
)
def test_inputs_that_disagree_are_refused(changes, message):
    """What cannot be the outputs of two populations on one challenge is a ValueError."""
    with pytest.raises(ValueError, match=message):
        published_score(**{**inputs(), **changes})
