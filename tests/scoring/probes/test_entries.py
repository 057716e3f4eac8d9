"""Entries from probes: by hand, against slow twins, and unmoved by what must not move them."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from scoring.card.card import ScoreCard
from scoring.card.make import score_card
from scoring.probes.arrays import PROBE_ARRAYS, Probes
from scoring.probes.features import feature_distance
from scoring.probes.mislabelled import mislabelled
from scoring.probes.nulls import nulls
from scoring.probes.over_unlearning import over_unlearning
from scoring.probes.relearning import relearning
from scoring.probes.residual import residual_knowledge
from scoring.probes.strata import exposure_strata, exposures
from scoring.published.confidence import logit_scaled_confidence
from tests.support.populations import probed

LABELS = np.array([0, 1])


def _probes(seed: int, **options: Any) -> tuple[Any, Any]:
    """Return simulated probes and labels, as untyped values: no array is None."""
    outputs = probed(seed, **options)
    return outputs.probes, outputs.labels


def _answers(*right: object) -> np.ndarray:
    """Return logits that are right or wrong on two examples, as truth values of any shape [..., 2] say."""
    truth = np.array(right, dtype=bool)
    return np.asarray(np.where(truth[..., np.newaxis], np.eye(2)[LABELS], np.eye(2)[1 - LABELS]) * 4.0)


def test_relearning_by_hand():
    """Models that know nothing before and all after gain 1; references that gain one of two examples, ½."""
    before = _answers(*[[False, False]] * 4)
    after, half = _answers(*[[True, True]] * 4), _answers(*[[True, False]] * 4)
    confidences = np.stack([logit_scaled_confidence(each, LABELS) for each in before])
    result = relearning(
        Probes(relearned_logits=after),
        Probes(relearned_logits=half),
        LABELS,
        logits=(before, before),
        confidences=(confidences, confidences),
    )
    assert (result.accuracy.unlearned, result.accuracy.references) == (1, 0.5)
    assert result.accuracy.value.estimate == result.accuracy_after.value.estimate == 0.5
    assert result.confidence.value.estimate == pytest.approx(4)  # one of two examples, from -4 to 4
    assert result.confidence_after.value.estimate == pytest.approx(4)
    assert (result.confidence_after.unlearned, result.confidence_after.references) == pytest.approx((4, 0))


def test_residual_knowledge_by_hand():
    """Copies are counted by norm; recognised *again* are only those of examples that are misclassified."""
    clean = _answers(*[[True, False]] * 4)
    copies = _answers(*[[[[True, True], [True, False]], [[False, True], [False, True]]]] * 4)
    plain = _answers(*[[[[True, False], [True, False]], [[False, False], [False, False]]]] * 4)
    norms = np.array([0.1, 0.2])
    small, large = residual_knowledge(
        Probes(perturbed_logits=copies, norms=norms),
        Probes(perturbed_logits=plain, norms=norms),
        LABELS,
        logits=(clean, clean),
    )
    assert (small.norm, large.norm) == (0.1, 0.2)
    assert (small.recognised.unlearned, small.recognised.references) == (0.75, 0.5)
    assert (small.again.unlearned, small.again.references) == (0.25, 0)
    assert (large.recognised.value.estimate, large.again.value.estimate) == (0.5, 0.5)


def _alignment(first, second):
    """Return linear CKA as it is defined, by covariances of centred features."""
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    cross = np.linalg.norm(first.T @ second) ** 2
    return cross / (np.linalg.norm(first.T @ first) * np.linalg.norm(second.T @ second))


def test_feature_distance_is_one_minus_alignment():
    """The distance is the mean over all pairs of distinct models, as a slow twin computes it."""
    (unlearned, labels), (references, _) = _probes(0, models=5, knowledge=1), _probes(1, models=6)
    result = feature_distance(unlearned, references, labels, seed=0).distance
    u, r = unlearned.features, references.features
    across = np.mean([1 - _alignment(a, b) for a in u for b in r])
    within = np.mean([1 - _alignment(r[i], r[j]) for i in range(6) for j in range(6) if i != j])
    assert result.unlearned == pytest.approx(across)
    assert result.references == pytest.approx(within)
    assert result.value.estimate == pytest.approx(across - within)


def _confidence_gap(seed: int, *, extreme: str = "") -> Any:
    """Return the gap of the relearned confidence; on one side one model's logits are extreme afterwards."""
    rng = np.random.default_rng(seed)
    before = _answers(*[[False, False]] * 16)
    confidences = np.stack([logit_scaled_confidence(each, LABELS) for each in before])
    sides = {
        "unlearned": _answers(*[[True, True]] * 16) + rng.normal(size=before.shape) / 10,
        "references": before + rng.normal(size=before.shape) / 10,
    }
    if extreme:
        sides[extreme][3] = _answers([False, True])[0] * 1e6
    return relearning(
        Probes(relearned_logits=sides["unlearned"]),
        Probes(relearned_logits=sides["references"]),
        LABELS,
        logits=(before, before),
        confidences=(confidences, confidences),
    ).confidence


@pytest.mark.parametrize("side", ["", "unlearned", "references"])
def test_one_model_of_extreme_logits_does_not_hide_the_relearned_confidence(side):
    """The gain of the others stays outside the null."""
    result = _confidence_gap(0, extreme=side)
    assert result.value.low > max(result.null.high, 0)
    assert result.value.estimate == pytest.approx(8, abs=1)


@pytest.mark.parametrize("constant", [0.0, 0.1, -3e30])
def test_a_collapsed_network_does_not_hide_the_features_of_others(constant):
    """Of either side; it is at distance 1 from all. Without any reference's arrangement there is no distance."""
    (unlearned, labels), (references, _) = _probes(0, models=5, knowledge=1), _probes(1, models=6)
    u, r = np.array(unlearned.features), np.array(references.features)
    u[2], r[4] = constant, constant
    result = feature_distance(Probes(features=u), Probes(features=r), labels, seed=0).distance

    def distance(a, b):
        return 1 - (_alignment(a, b) if np.ptp(a) > 0 and np.ptp(b) > 0 else 0)

    assert result.unlearned == pytest.approx(np.mean([distance(a, b) for a in u for b in r]))
    within = [distance(r[i], r[j]) for i in range(6) for j in range(6) if i != j]
    assert result.references == pytest.approx(np.mean(within))
    r[:] = constant
    with pytest.raises(ValueError, match="features of each reference are equal"):
        feature_distance(Probes(features=u), Probes(features=r), labels, seed=0)


def test_features_may_be_turned_scaled_and_moved():
    """What differs between equal networks with other initial weights does not change the entry."""
    (unlearned, labels), (references, _) = _probes(0, models=5), _probes(1, models=6)
    rng = np.random.default_rng(2)
    turns = np.linalg.qr(rng.normal(size=(5, 8, 8)))[0] * rng.uniform(0.1, 9, size=(5, 1, 1))
    moved = Probes(features=unlearned.features @ turns + rng.normal(size=(5, 1, 8)))
    first, second = (feature_distance(probes, references, labels, seed=0) for probes in (unlearned, moved))
    assert first.separation is not None
    assert second.separation is not None
    assert first.distance.value.estimate == pytest.approx(second.distance.value.estimate, abs=1e-6)
    assert first.separation.value.estimate == pytest.approx(second.separation.value.estimate, abs=1e-6)


def test_separation_by_hand():
    """It is 1 where a class is a point, 0 where classes have one mean, None for a forget set of one class."""
    labels = np.array([0, 0, 1, 1])
    points, mixed = (np.array([row] * 4)[..., np.newaxis] * 1.0 for row in ([1, 1, 5, 5], [1, 5, 1, 5]))
    result = feature_distance(Probes(features=points), Probes(features=mixed), labels, seed=0)
    assert result.separation is not None
    assert (result.separation.unlearned, result.separation.references) == pytest.approx((1, 0))
    alone = feature_distance(Probes(features=points), Probes(features=mixed), 0 * labels, seed=0)
    assert alone.separation is None


def test_over_unlearning_sees_its_own_split():
    """A change on test alone is shown on test, and on retain there is none."""
    (unlearned, _), (references, _) = _probes(0, models=32), _probes(1, models=32)
    elsewhere, _ = _probes(0, models=32, elsewhere=4)
    changed = Probes(
        retain_logits=unlearned.retain_logits,
        retain_labels=unlearned.retain_labels,
        test_logits=elsewhere.test_logits,
        test_labels=elsewhere.test_labels,
    )
    result = over_unlearning(changed, references, seed=0)
    assert result.test.value.low > result.test.null.high
    assert result.retain.null.low <= result.retain.value.estimate <= result.retain.null.high


def test_exposed_examples_are_apart():
    """Examples that only the original network remembered come first, and what is left of them is seen there."""
    rng = np.random.default_rng(3)
    labels = np.arange(40) % 2
    exposed = np.arange(40) >= 36
    references = rng.normal(size=(48, 40))
    unlearned = rng.normal(size=(48, 40)) + 3 * exposed
    original = np.eye(2)[labels] * (8.0 * exposed[:, np.newaxis])
    result = exposure_strata(unlearned, references, original, labels, np.where(exposed, 3.0, 0.3), seed=0)
    assert result.epsilon.tolist() == [3.0] + [pytest.approx(0.3)] * 9
    assert result.exposure[0] > 4 * abs(result.exposure[1])
    assert result.most_exposed.value.low > result.most_exposed.null.high


def test_saturated_references_do_not_make_an_example_exposed():
    """Rounding in a constant confidence is not an exposure of thousands of deviations."""
    references = np.random.default_rng(0).normal(size=(8, 10))
    references[:, 0] = 103.0
    references[0, 0] += 1e-9
    exposure = exposures(np.array([103.0, *[2.0] * 9]), references)
    assert abs(exposure[0]) < abs(exposure[1])


def test_mislabelled_examples_are_apart():
    """Only marked examples count: what the models answer elsewhere changes nothing."""
    outputs, references = probed(0), probed(1)
    marks = np.asarray(outputs.mislabelled)

    def result(logits):
        confidences = [
            np.stack([logit_scaled_confidence(each, outputs.labels) for each in side])
            for side in (logits, references.logits)
        ]
        return mislabelled(
            confidences[0],
            confidences[1],
            unlearned_logits=logits,
            reference_logits=references.logits,
            labels=outputs.labels,
            marks=marks,
            seed=0,
        )

    changed = np.where(marks[:, np.newaxis], outputs.logits, 0)
    assert result(outputs.logits) == result(changed)
    known = outputs.logits + 9 * np.eye(3)[outputs.labels] * marks[:, np.newaxis]
    assert result(known).recalled.unlearned == 1
    assert result(known).epsilon.value.low > result(known).epsilon.null.high


@pytest.mark.parametrize("scale", [0.0, 1e300], ids=["zero", "huge"])
def test_extreme_probes_have_a_card(scale):
    """Diverged or collapsed networks give a card that JSON can represent, all other parts included."""
    sides = []
    for seed in (0, 1):
        outputs = probed(seed, examples=12)
        arrays = {name: getattr(outputs.probes, name) for name in PROBE_ARRAYS}
        extreme = {
            name: array.astype(np.float64) * scale
            for name, array in arrays.items()
            if array.dtype.kind == "f" and name != "norms"
        }
        sides.append(dataclasses.replace(outputs, probes=Probes(**{**arrays, **extreme})))
    card = score_card(sides[0], sides[1])
    again = ScoreCard.from_json(card.to_json())
    assert again.to_json() == card.to_json()
    assert {*card.omitted} - {"run_time"} <= {"features"}


@pytest.mark.parametrize(
    ("unlearned", "references", "message"),
    [
        (None, None, "The challenge has no features"),
        (Probes(features=np.ones((4, 2, 2))), None, "The challenge has no features"),
        (None, Probes(features=np.ones((4, 2, 2))), "The runs have no features"),
        (Probes(features=np.ones((4, 3, 2))), Probes(features=np.ones((4, 2, 2))), "do not match"),
        (Probes(features=np.ones((3, 2, 2))), Probes(features=np.ones((4, 2, 2))), "4 or more models"),
        (Probes(features=np.ones((4, 2, 2))), Probes(features=np.ones((4, 2, 2))), "are equal"),
    ],
)
def test_missing_inputs_are_one_sentence(unlearned, references, message):
    """It says on which side a probe is missing, or what does not fit."""
    with pytest.raises(ValueError, match=message):
        feature_distance(unlearned, references, LABELS, seed=0)


def test_other_norms_are_not_compared():
    """Copies with other noise are another probe."""
    logits = np.ones((4, 1, 1, 2, 2))
    first, second = (Probes(perturbed_logits=logits, norms=np.array([norm])) for norm in (0.1, 0.2))
    with pytest.raises(ValueError, match="do not match"):
        residual_knowledge(first, second, LABELS, logits=(logits[:, 0, 0], logits[:, 0, 0]))


def test_nulls_have_the_sizes_of_their_values():
    """A submission that is one half of the references has every entry within its null, or near it."""
    rng = np.random.default_rng(0)
    models, accuracies = rng.normal(size=(64, 10)), rng.uniform(0.8, 0.9, size=(64, 3))
    result = nulls(models[:32], models[32:], accuracies[:32], accuracies[32:], seed=0)
    for name in ("exact_epsilon", "held_out_epsilon", "klom", "u_lira", "tug_of_war"):
        entry = getattr(result, name)
        assert entry.null.low - 0.5 * abs(entry.null.low) <= entry.value.estimate <= 1.5 * entry.null.high
