"""Probes: checked once, stored with the outputs, in agreement with them."""

import io

import numpy as np
import pytest

from scoring.outputs import Outputs, load_outputs, save_outputs
from scoring.probes.arrays import PROBE_ARRAYS, Probes
from tests.support.populations import population

RNG = np.random.default_rng(0)
MODELS, EXAMPLES, CLASSES = 3, 5, 2


def _random(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


GOOD = {
    "retain_logits": _random(MODELS, 4, CLASSES),
    "retain_labels": np.array([0, 1, 1, 0]),
    "test_logits": _random(MODELS, 6, CLASSES),
    "test_labels": np.array([0, 1, 1, 0, 0, 1]),
    "perturbed_logits": _random(MODELS, 3, 2, EXAMPLES, CLASSES),
    "norms": np.array([0.01, 0.03, 0.1]),
    "features": _random(MODELS, EXAMPLES, 7),
    "relearned_logits": _random(MODELS, EXAMPLES, CLASSES),
}


def _outputs(**changes):
    return population(0, models=MODELS, examples=EXAMPLES, classes=CLASSES, **changes)


@pytest.mark.parametrize(
    "names",
    [PROBE_ARRAYS, ("features",), ("perturbed_logits", "norms"), ("retain_logits", "retain_labels")],
)
def test_round_trip(names):
    """All arrays, or those that were recorded, are read back to the bit; the others stay None."""
    original, marks = _random(EXAMPLES, CLASSES), np.arange(EXAMPLES) < 2
    probes = Probes(**{name: GOOD[name] for name in names})
    file = io.BytesIO()
    save_outputs(_outputs(probes=probes, original_logits=original, mislabelled=marks), file)
    file.seek(0)
    outputs = load_outputs(file)
    assert outputs.probes is not None
    np.testing.assert_array_equal(outputs.original_logits, original)
    np.testing.assert_array_equal(outputs.mislabelled, marks)
    for name in PROBE_ARRAYS:
        stored = getattr(outputs.probes, name)
        if name not in names:
            assert stored is None
            continue
        np.testing.assert_array_equal(stored, GOOD[name])
        assert not stored.flags.writeable
        assert stored.dtype == np.asarray(GOOD[name]).dtype


def test_outputs_without_probes_are_read_as_before():
    """A file without probes has none."""
    file = io.BytesIO()
    save_outputs(_outputs(), file)
    file.seek(0)
    outputs = load_outputs(file)
    assert (outputs.probes, outputs.original_logits, outputs.mislabelled) == (None, None, None)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"retain_labels": None}, "both retain_logits and retain_labels"),
        ({"test_logits": None}, "both test_logits and test_labels"),
        ({"norms": None}, "both perturbed_logits and norms"),
        ({"retain_logits": GOOD["retain_logits"].astype(int)}, "retain_logits must be floating"),
        ({"retain_labels": GOOD["retain_labels"] * 1.0}, "retain_labels must be integers"),
        ({"retain_labels": GOOD["retain_labels"] - 1}, "retain_labels must not be negative"),
        ({"test_labels": GOOD["test_labels"] + 1}, "test_labels must lie in 0 to 1"),
        ({"test_labels": GOOD["test_labels"][:5]}, "number of test"),
        ({"features": GOOD["features"][0]}, "features must have shape"),
        ({"features": GOOD["features"][:2]}, "number of models"),
        ({"features": np.full_like(GOOD["features"], np.nan)}, "features must be finite"),
        ({"features": GOOD["features"][:, :0]}, "not empty"),
        ({"relearned_logits": GOOD["relearned_logits"][:, :4]}, "number of examples"),
        ({"relearned_logits": GOOD["relearned_logits"][..., :1]}, "number of classes"),
        ({"perturbed_logits": GOOD["perturbed_logits"][:, :2]}, "number of norms"),
        ({"norms": np.array([0.03, 0.01, 0.1])}, "increasing"),
        ({"norms": np.array([0.0, 0.01, 0.1])}, "positive"),
    ],
)
def test_impossible_probes_are_refused(changed, message):
    """One sentence names the array and the problem."""
    with pytest.raises(ValueError, match=message):
        Probes(**{**GOOD, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"probes": Probes(features=_random(MODELS + 1, EXAMPLES, 7))}, "must have 3 models"),
        ({"probes": Probes(features=_random(MODELS, EXAMPLES + 1, 7))}, "must have 5 examples"),
        ({"probes": Probes(relearned_logits=_random(MODELS, EXAMPLES, 3))}, "must have 2 classes"),
        ({"original_logits": _random(EXAMPLES, 3)}, "original network's logits must have shape"),
        ({"original_logits": np.ones((EXAMPLES, CLASSES), int)}, "floating"),
        ({"original_logits": np.full((EXAMPLES, CLASSES), np.inf)}, "finite"),
        ({"mislabelled": np.zeros(EXAMPLES, int)}, "truth values"),
        ({"mislabelled": np.zeros(EXAMPLES - 1, bool)}, "truth values"),
    ],
)
def test_outputs_refuse_what_does_not_fit(changed, message):
    """Probes and facts of the examples agree in size with the outputs."""
    with pytest.raises(ValueError, match=message):
        _outputs(**changed)


def test_probe_arrays_are_those_of_the_file():
    """No field is forgotten when outputs are written."""
    assert set(PROBE_ARRAYS) == set(GOOD)
    assert {"probes", "original_logits", "mislabelled"} <= set(Outputs.__dataclass_fields__)
