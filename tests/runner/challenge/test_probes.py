"""Probes of a challenge: settings that make sense, a file that is checked, and nothing of it for participants."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pydantic import ValidationError

from runner.challenge.description import Description, render_description
from runner.challenge.export import export_challenge
from runner.challenge.layout import DESCRIPTION_FILE, PROBES_FILE, public_files
from runner.challenge.load import load_challenge
from runner.challenge.outputs import NetworkOutputs, pack_outputs, split_outputs, unpack_outputs
from runner.challenge.probes import ProbeSettings, choose_probes, too_large_probe
from runner.errors import ConfigurationError
from runner.parsers.npz import ArraysError
from sandbox.protocol.probes import FEATURES, KINDS, PERTURBED, RELEARNED, probe_seed
from tests.support.npy import npz
from tests.support.untrusted.challenge_files import edit_description, refused_challenge

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder

CHEAP = ProbeSettings(kinds=list(KINDS[:4]), seed=probe_seed(0))
RELEARNING = {"relearning_steps": 5, "relearning_rate": 0.1, "relearning_batch": 8}


@pytest.fixture
def with_probes(challenge_folder: ChallengeFolder) -> ChallengeFolder:
    """Return the tiny challenge with probes of its references; it is not described yet."""
    challenge_folder.write_probes(CHEAP)
    return challenge_folder


def test_settings_round_trip(with_probes: ChallengeFolder) -> None:
    """They are in challenge.toml, all of them, and containers get the same."""
    folder = with_probes.describe(probes=CHEAP)
    description = load_challenge(folder).description
    assert description.probes == CHEAP
    text = (folder / DESCRIPTION_FILE).read_bytes()
    assert render_description(Description.model_validate(tomllib.loads(text.decode()))) == text
    assert set(tomllib.loads(text.decode())["probes"]) == {
        *("version", "kinds", "seed", "sample_examples", "norms", "copies", "feature_numbers"),
    }
    assert description.probes.plan().kinds == tuple(KINDS[:4])


def test_no_probes_no_settings(challenge_folder: ChallengeFolder) -> None:
    """A challenge of an earlier version stays as it is."""
    challenge = load_challenge(challenge_folder.describe())
    assert choose_probes("none", 0) is None
    assert choose_probes("cheap", 0) == CHEAP
    relearning = choose_probes("relearning", 0)
    assert relearning is not None
    assert relearning.kinds == list(KINDS)
    assert relearning.recorded(CHEAP.kinds) == CHEAP
    assert (relearning.version, relearning.job_fields()["version"]) == (4, 4)
    assert (CHEAP.version, "version" in CHEAP.job_fields()) == (1, False)
    assert challenge.reference_probes() is None
    assert dict(challenge.output_shapes.probes) == {}
    assert b"probes" not in (challenge.folder / DESCRIPTION_FILE).read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"kinds": ["weights"]},
        {"kinds": ["features", "retain_logits"]},
        {"kinds": ["features", "features"]},
        {"kinds": list(KINDS)},
        {"kinds": list(KINDS), **RELEARNING, "relearning_steps": 0},
        {"kinds": list(KINDS), **RELEARNING, "relearning_rate": float("nan")},
        RELEARNING,
        {"norms": [0.1, 0.03]},
        {"norms": [0.1, 0.1]},
        {"norms": []},
        {"norms": [float("nan")]},
        {"norms": [float("inf")]},
        {"copies": 0},
        {"copies": 10_000},
        {"seed": -1},
        {"seed": 1 << 63},
        {"sample_examples": 0},
        {"version": 2},
        {"noise": "uniform"},
    ],
    ids=str,
)
def test_settings_without_sense_are_refused(changes: dict[str, Any]) -> None:
    """Unknown kinds, another order, values that no evaluator could use."""
    with pytest.raises(ValidationError):
        ProbeSettings(**{**CHEAP.model_dump(), **changes})


def test_some_kinds_are_part_of_all() -> None:
    """What a network does not allow is left out, with its settings; other settings are others."""
    everything = ProbeSettings(**{**CHEAP.model_dump(), "kinds": list(KINDS), **RELEARNING})
    some = everything.recorded([kind for kind in KINDS if kind not in (FEATURES, RELEARNED)])
    assert some.kinds == list(KINDS[:3])
    assert some.relearning_steps is None
    assert some.is_part_of(everything)
    assert not everything.is_part_of(some)
    assert not some.model_copy(update={"copies": 3}).is_part_of(everything)


def test_relearning_of_an_earlier_version_is_not_computed() -> None:
    """Its numbers would be others than those of the references: the challenge must be built again."""
    earlier = ProbeSettings(**{**CHEAP.model_dump(), "kinds": list(KINDS), **RELEARNING})
    with pytest.raises(ConfigurationError, match="build the challenge again"):
        earlier.job_fields()
    assert earlier.recorded(CHEAP.kinds).job_fields() == CHEAP.job_fields()


def test_the_file_of_the_references_round_trip(with_probes: ChallengeFolder) -> None:
    """Arrays, labels of the samples, and the original network's logits."""
    challenge = load_challenge(with_probes.describe(probes=CHEAP))
    probes = challenge.reference_probes()
    assert probes is not None
    assert {kind: array.shape for kind, array in probes.arrays.items()} == {
        "retain_logits": (3, 2, 2),
        "test_logits": (3, 2, 2),
        "perturbed_logits": (3, 3, 2, 3, 2),
        "features": (3, 3, 64),
    }
    assert {split: labels.tolist() for split, labels in probes.labels.items()} == {
        "retain": [0, 1],
        "test": [0, 1],
    }
    assert probes.original_logits.tolist() == [[7, 7]] * 3
    assert probes.mislabelled.tolist() == [False, True, False]
    assert probes.to_bytes() == (challenge.folder / PROBES_FILE).read_bytes()


@pytest.mark.parametrize(
    "changed",
    [
        {"features": np.zeros((2, 3, 64), np.float32)},
        {"features": np.zeros((3, 3, 64), np.float64)},
        {"features": np.full((3, 3, 64), np.nan, np.float32)},
        {"original_logits": np.full((3, 2), np.inf, np.float32)},
        {"retain_labels": np.array([0, 2])},
        {"retain_labels": np.array([0, -1])},
        {"test_labels": np.array([0])},
        {"features": np.array([{}], dtype=object)},
        {"features": None},
        {"mislabelled": np.zeros(2, np.bool_)},
        {"mislabelled": np.zeros(3, np.int64)},
        {"mislabelled": None},
    ],
    ids=str,
)
def test_a_file_with_other_arrays_is_refused(with_probes: ChallengeFolder, changed: dict[str, Any]) -> None:
    """With one sentence that names the file, when it is needed; the challenge itself can be shown."""
    with np.load(with_probes.folder / PROBES_FILE) as archive:
        arrays = {name: archive[name] for name in archive} | changed
    data = npz(**{name: array for name, array in arrays.items() if array is not None})
    with_probes.write(PROBES_FILE, data)
    challenge = load_challenge(with_probes.describe(probes=CHEAP))
    with pytest.raises(
        ConfigurationError, match=r"probes\.npz cannot be used: .*; build the challenge again"
    ):
        challenge.reference_probes()


@pytest.mark.parametrize("damage", ["changed", "missing", "link to a device"])
def test_a_damaged_file_is_noticed_at_once(with_probes: ChallengeFolder, damage: str) -> None:
    """Its hash is in the description."""
    folder = with_probes.describe(probes=CHEAP)
    file = folder / PROBES_FILE
    file.unlink()
    if damage == "changed":
        file.write_bytes(b"something else")
    elif damage == "link to a device":
        file.symlink_to("/dev/zero")
    assert "probes.npz" in refused_challenge(folder)


def test_settings_and_file_go_together(with_probes: ChallengeFolder) -> None:
    """One without the other is no challenge."""
    edit_description(with_probes.describe(), probes=CHEAP.model_dump(exclude_none=True))
    assert "must be listed if there are probes" in refused_challenge(with_probes.folder)


def test_a_challenge_cannot_ask_for_too_much(with_probes: ChallengeFolder) -> None:
    """Participants load challenges of organizers that they do not know, and would hold each array."""
    shapes = load_challenge(with_probes.describe(probes=CHEAP)).output_shapes.probes
    assert too_large_probe(shapes) is None
    assert too_large_probe({**shapes, FEATURES: (1 << 21, 1)}) is None
    assert too_large_probe({**shapes, FEATURES: (1 << 21, 2)}) == FEATURES


def test_a_private_export_has_nothing_of_it(with_probes: ChallengeFolder) -> None:
    """Neither the file nor the settings, whose seed gives the noise; and a worker never gets a private file."""
    challenge = load_challenge(with_probes.describe(probes=CHEAP))
    exported = export_challenge(challenge, with_probes.folder.parent / "out")
    assert exported.description.probes is None
    assert dict(exported.output_shapes.probes) == {}
    assert not (exported.folder / PROBES_FILE).exists()
    everything = b"".join(file.read_bytes() for file in exported.folder.rglob("*") if file.is_file())
    for secret in (str(CHEAP.seed), challenge.description.files[PROBES_FILE], "perturbed"):
        assert secret.encode() not in everything
    assert PROBES_FILE not in public_files(challenge.description.files)


def test_a_public_export_scores_alike(with_probes: ChallengeFolder) -> None:
    """Nothing is left out: everything in it can be computed from the seed."""
    challenge = load_challenge(with_probes.describe(visibility="public", probes=CHEAP))
    exported = export_challenge(challenge, with_probes.folder.parent / "out")
    assert exported.description.probes == CHEAP
    assert exported.reference_probes() is not None


def test_outputs_with_probes_round_trip(with_probes: ChallengeFolder) -> None:
    """In a frame and in a file; a frame of another length and a file without an array are refused."""
    shapes = load_challenge(with_probes.describe(probes=CHEAP)).output_shapes
    payload = np.random.default_rng(0).integers(0, 50, shapes.size_bytes, np.uint8).tobytes()
    outputs = split_outputs(payload, shapes)
    assert list(outputs.probes) == CHEAP.kinds
    assert outputs.probes[PERTURBED].shape == (3, 2, 3, 2)
    again = unpack_outputs(pack_outputs(outputs), shapes)
    for name, array in outputs.arrays.items():
        assert again.arrays[name].tobytes() == array.tobytes(), name
    several = split_outputs(2 * payload, shapes, 2)
    assert several.probes[PERTURBED].shape == (2, 3, 2, 3, 2)
    assert unpack_outputs(pack_outputs(several), shapes, stacked=True).probes[FEATURES].shape == (2, 3, 64)
    for wrong in (payload[:-4], payload + bytes(4)):
        with pytest.raises(ArraysError, match="bytes"):
            split_outputs(wrong, shapes)
    bare = NetworkOutputs(logits=outputs.logits, correct=outputs.correct, unseen_losses=outputs.unseen_losses)
    with pytest.raises(ArraysError, match="it has no probe_retain_logits"):
        unpack_outputs(pack_outputs(bare), shapes)
    infinite = {**outputs.probes, FEATURES: np.full((3, 64), np.inf, np.float32)}
    with pytest.raises(ArraysError, match="probe_features has values that are not finite"):
        NetworkOutputs(
            logits=outputs.logits,
            correct=outputs.correct,
            unseen_losses=np.zeros(2, np.float32),
            probes=infinite,
        ).require_finite()
