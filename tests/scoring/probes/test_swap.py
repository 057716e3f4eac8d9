"""SWAP test of the score card: retraining has no advantage, with forget and unseen examples exchanged neither.

``python -m benchmarks.probes.swap`` repeats it with more models and repetitions.
"""

import numpy as np
import pytest

from scoring.baselines.margin import classification_margin, cross_entropy
from scoring.baselines.mia import loss_mia
from scoring.baselines.ulira import u_lira
from scoring.card.card import ScoreCard
from scoring.card.make import score_card
from scoring.card.options import CardOptions
from scoring.epsilon.held_out import certified_epsilon
from scoring.flags.joint_attack import joint_attack
from scoring.outputs import Outputs
from scoring.probes.contrast import gap
from scoring.probes.features import feature_distance
from scoring.probes.relearning import relearning
from scoring.probes.residual import residual_knowledge
from tests.support.networks import small_networks
from tests.support.networks.swap import contrasts_of, perfect

SIDES = {"as they are": 0, "exchanged": 1}
CONFIDENCE = 0.9995
"""Of intervals that are compared one by one: with some fifty of them, chance exceeds one once in forty times."""


def _losses(outputs: Outputs) -> np.ndarray:
    margins = [classification_margin(each, outputs.labels) for each in outputs.logits]
    return np.asarray(cross_entropy(np.stack(margins)))


def _attacks(unlearned: Outputs, references: Outputs, seed: int) -> dict[str, float]:
    """Return the advantage of each attack that takes no halves of the models."""
    confidences = unlearned.confidences(), references.confidences()
    logits = unlearned.logits, references.logits
    labels, probes = unlearned.labels, (unlearned.probes, references.probes)
    losses = [
        loss_mia(_losses(side)[:4], np.asarray(side.unseen_losses)[:4], seed=seed)
        for side in (unlearned, references)
    ]
    relearned = relearning(*probes, labels, logits=logits, confidences=confidences)
    residual = residual_knowledge(*probes, labels, logits=logits)
    features = feature_distance(*probes, labels, seed=seed)
    assert features.separation is not None
    return {
        "U-LiRA": u_lira(*confidences, seed=seed).auc_mean - 0.5,
        "loss attack": gap(*losses).value.estimate,
        "relearned accuracy": relearned.accuracy.value.estimate,
        "relearned confidence": relearned.confidence.value.estimate,
        "accuracy after relearning": relearned.accuracy_after.value.estimate,
        "confidence after relearning": relearned.confidence_after.value.estimate,
        "recognised": residual[0].recognised.value.estimate,
        "recognised again": residual[1].again.value.estimate,
        "feature distance": features.distance.value.estimate,
        "feature separation": features.separation.value.estimate,
    }


@pytest.mark.parametrize("side", SIDES.values(), ids=SIDES)
def test_no_attack_has_an_advantage_over_retraining(side):
    """Mean advantages over many perfect submissions are 0, on the forget set as on unseen examples."""
    rows = [
        _attacks(perfect(2 * at, 12, 8)[side], perfect(2 * at + 1, 12, 8)[side], seed=at) for at in range(24)
    ]
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        assert values.std() > 0, name
        assert abs(values.mean()) < 3.7 * values.std(ddof=1) / np.sqrt(len(rows)), name


@pytest.mark.slow
def test_the_joint_attack_has_none():
    """Its areas are ½ on average, and it is significant as rarely as stated; nothing is certified."""
    areas, flagged = [], 0
    for at in range(4):
        unlearned, references = (perfect(70 + 2 * at + which, 15, 6)[at % 2] for which in (0, 1))
        confidences = unlearned.confidences(), references.confidences()
        attack = joint_attack(*confidences, seed=at)
        areas.append((attack.auc_svm, attack.auc_trees))
        flagged += attack.flagged
        assert certified_epsilon(*confidences, seed=at).max() == 0
    means, errors = np.mean(areas, axis=0), np.std(areas, axis=0, ddof=1) / np.sqrt(len(areas))
    assert (np.abs(means - 0.5) < 6 * errors).all()
    assert flagged <= 1


def test_models_that_treat_the_forget_set_apart_are_seen_there_alone():
    """Control: what makes an advantage on the forget set makes none where the sets are exchanged."""
    unlearned, references = perfect(0, 24, 12, shift=-3.0), perfect(1, 24, 12)
    forget, exchanged = (_attacks(unlearned[side], references[side], seed=0) for side in (0, 1))
    for name in ("U-LiRA", "recognised", "accuracy after relearning", "confidence after relearning"):
        assert abs(forget[name]) > 5 * abs(exchanged[name]) + 0.05, name


@pytest.fixture(scope="module")
def digits() -> small_networks.Problem:
    return small_networks.problem(seed=0, forget=24, unseen=24)


@pytest.fixture(scope="module")
def retrained(digits) -> small_networks.Networks:
    return small_networks.retrained(digits, 64, seed=1, epochs=6)


def _card(task, networks, references, original) -> ScoreCard:
    first, second = (small_networks.outputs(task, each, original) for each in (networks, references))
    return score_card(first, second, CardOptions(confidence=CONFIDENCE))


def _part(networks: small_networks.Networks, rows: slice) -> small_networks.Networks:
    return small_networks.Networks(first=networks.first[rows], last=networks.last[rows])


@pytest.mark.parametrize("exchanged", [False, True], ids=SIDES)
def test_no_entry_sees_anything_in_real_references(digits, retrained, exchanged):
    """Half of the networks that were retrained on digits, in the place of a submission."""
    task = digits.swapped() if exchanged else digits
    original = small_networks.retrained(task, 1, seed=2, epochs=6, forget=True)
    card = _card(task, _part(retrained, slice(32)), _part(retrained, slice(32, 64)), original)
    contrasts = dict(contrasts_of(card))
    assert len(contrasts) >= 20
    assert {*card.omitted} == {"mislabelled", "run_time"}
    for name, each in contrasts.items():
        assert each.null.low <= each.value.estimate <= each.null.high, name
    assert card.joint is not None
    assert card.joint.p_value > 0.01
    assert card.held_out is not None
    assert card.held_out.certified_examples == 0
