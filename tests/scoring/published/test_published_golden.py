"""Golden record: the metric gives the numbers of the published code."""

import numpy as np
import pytest

from scoring import forgetting_quality, logit_scaled_confidence, published_epsilon
from tests.support.paths import SCORING_GOLDEN

GOLDEN = SCORING_GOLDEN / "published_metric.npz"
CASES = [f"{kind}_n{n}" for kind in ("same", "shift", "scale", "heavy") for n in (16, 64, 128)]
CASES += [f"{kind}_n64" for kind in ("separated", "peaky", "ties", "wide")]


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as archive:
        return {name: archive[name] for name in archive.files}


def test_every_golden_case_is_tested(golden):
    """No case of the golden file is left out of this module."""
    assert {name.split("/")[0] for name in golden} == {*CASES, "confidence"}


@pytest.mark.parametrize("case", CASES)
def test_epsilon_equals_the_published_code(golden, case):
    """Epsilon agrees to 1e-6, the precision of the published code's float32 rates."""
    epsilon = published_epsilon(golden[f"{case}/unlearned"], golden[f"{case}/retrained"])
    np.testing.assert_allclose(epsilon, golden[f"{case}/epsilon"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_forgetting_quality_equals_the_published_code(golden, case):
    """F computed from these epsilons equals the published F to 1e-15."""
    unlearned = golden[f"{case}/unlearned"]
    epsilon = published_epsilon(unlearned, golden[f"{case}/retrained"])
    quality = forgetting_quality(epsilon, len(unlearned))
    assert quality == pytest.approx(float(golden[f"{case}/forgetting_quality"]), abs=1e-15)


def test_confidence_equals_the_published_code(golden):
    """Every confidence agrees to 1e-6, because processors round float32 exponentials differently."""
    confidence = logit_scaled_confidence(golden["confidence/logits"], golden["confidence/labels"])
    expected = golden["confidence/confidence"]
    np.testing.assert_allclose(confidence, expected, rtol=0, atol=1e-6)


def test_confidence_needs_the_float32_exponential(golden):
    """The golden values differ between float32 and float64 logits, so the dtype is tested."""
    logits = golden["confidence/logits"].astype(np.float64)
    confidence = logit_scaled_confidence(logits, golden["confidence/labels"])
    assert np.abs(confidence - golden["confidence/confidence"]).max() > 1e-9
