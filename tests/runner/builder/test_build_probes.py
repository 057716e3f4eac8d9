"""A build stores the probes that its trainer can record, and a repeated command finds the challenge complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.builder.build_folder import BuildFolder
from runner.builder.plan import BuildPlan, matches_plan, plan_build
from runner.builder.resume import differences
from runner.challenge.description import Description
from runner.challenge.layout import CHALLENGE_FILES, PROBES_FILE, REFERENCES_FILE
from runner.challenge.load import load_challenge
from runner.challenge.probes import ProbeSettings, unpack_reference_probes
from runner.errors import ConfigurationError, SandboxLostError
from runner.image.image import Image
from runner.parsers.npz import ArraysError
from sandbox.protocol.probes import FEATURES, KINDS, PERTURBED, TEST, probe_seed
from tests.runner.conftest import ChallengeFolder

IMAGE = Image(digest="a" * 64, identity="sha256:1")
FACTS: dict[str, Any] = {
    "classes": 2,
    "forget_examples": 3,
    "class_counts": {"retain": [1, 1], "forget": [1, 2], "val": [1, 1], "test": [1, 1]},
    "group_size": 2,
}
CHEAP = ProbeSettings(kinds=list(KINDS[:4]), seed=probe_seed(7))


def build_folder_in(folder: Path, kinds: list[str], probes: ProbeSettings | None = CHEAP) -> BuildFolder:
    """Return a build folder whose original network is finished, by a trainer that records some kinds."""
    source = ChallengeFolder(folder / "source")
    build_folder = BuildFolder(folder / "built", {"seed": 7}, seed=7, references=3, probes=probes)
    build_folder.open()
    for name in set(CHALLENGE_FILES) - {REFERENCES_FILE}:
        build_folder.add_file(name, (source.folder / name).read_bytes())
    assert not build_folder.has_original()
    build_folder.add_original_outputs(b"")
    build_folder.add_facts(json.dumps({**FACTS, "probe_kinds": kinds}).encode())
    return build_folder


def frame(build_folder: BuildFolder, first: int, *networks: int) -> bytes:
    """Return outputs and probes of some networks in a row, each value the number of its network."""
    (count,) = networks or (1,)
    parts = []
    for name, (dtype, shape) in build_folder.output_shapes().expected(*networks).items():
        value = 1 if name == "correct" else first
        array = np.full(shape, value, dtype)
        if networks and name != "correct":
            array += np.arange(count, dtype=dtype).reshape(count, *[1] * (len(shape) - 1))
        parts.append(array.tobytes())
    return b"".join(parts)


@pytest.mark.parametrize("kinds", [CHEAP.kinds, [TEST, FEATURES], [PERTURBED]], ids=str)
def test_probes_of_all_groups_are_stored_in_order(tmp_path: Path, kinds: list[str]) -> None:
    """Those of a surplus reference are not; the file is the one that a challenge is loaded with."""
    build_folder = build_folder_in(tmp_path, kinds)
    build_folder.add_original_outputs(frame(build_folder, 9))
    assert build_folder.has_original()
    for first in (2, 0):
        build_folder.add_group(first, 2, frame(build_folder, first, 2))
    settings = build_folder.probe_settings()
    assert settings is not None
    assert settings.kinds == kinds
    probes = unpack_reference_probes(build_folder.reference_probes(), build_folder.output_shapes(), 3)
    assert list(probes.arrays) == kinds
    for array in probes.arrays.values():
        assert [set(of_network.ravel()) for of_network in array] == [{0}, {1}, {2}]
    assert (probes.original_logits == 9).all()
    assert build_folder.reference_probes() == probes.to_bytes(), "the same bytes each time"


def test_mislabelled_examples_are_marked(tmp_path: Path) -> None:
    """By their positions in the forget set; in most challenges there are none."""
    build_folder = build_folder_in(tmp_path, [FEATURES])
    build_folder.add_original_outputs(frame(build_folder, 9))
    for first in (0, 2):
        build_folder.add_group(first, 2, frame(build_folder, first, 2))
    for positions in ([], [2], [0, 1]):
        facts = {**FACTS, "probe_kinds": [FEATURES], "mislabelled": positions}
        build_folder.add_facts(json.dumps(facts).encode())
        probes = unpack_reference_probes(build_folder.reference_probes(), build_folder.output_shapes(), 3)
        assert np.flatnonzero(probes.mislabelled).tolist() == positions


def test_mislabelled_examples_are_part_of_the_plan() -> None:
    """Another number is another challenge; without probes nothing would say which they are."""
    assert plan().source.mislabelled is None
    assert plan(mislabelled=9).source.mislabelled == 9
    assert list(differences(plan().record(IMAGE), plan(mislabelled=9).record(IMAGE))) == [
        "source.mislabelled"
    ]
    with pytest.raises(ConfigurationError, match="--mislabelled needs probes"):
        plan(mislabelled=9, probes="none")


def test_a_group_without_its_probes_is_refused(tmp_path: Path) -> None:
    """Or with more bytes than its shapes say."""
    build_folder = build_folder_in(tmp_path, [FEATURES])
    data = frame(build_folder, 0, 2)
    for wrong in (data[:-4], data + bytes(4), data[: 2 * 4 * 3 * 2]):
        with pytest.raises(ArraysError, match="bytes"):
            build_folder.add_group(0, 2, wrong)


def test_damaged_outputs_of_the_original_are_computed_again(tmp_path: Path) -> None:
    """The same command trains the original again, and keeps the references."""
    build_folder = build_folder_in(tmp_path, [FEATURES])
    for first in (0, 2):
        build_folder.add_group(first, 2, frame(build_folder, first, 2))
    with pytest.raises(SandboxLostError, match="repeat the command"):
        build_folder.reference_probes()
    assert not build_folder.has_original()
    build_folder.add_original_outputs(frame(build_folder, 9))
    assert build_folder.has_original()
    assert build_folder.groups() == [0, 2]
    assert build_folder.reference_probes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_original_that_diverged_is_refused_at_once(tmp_path: Path, value: float) -> None:
    """Before references are trained; and at the end, where an earlier version began the build."""
    build_folder = build_folder_in(tmp_path, [FEATURES])
    outputs = frame(build_folder, 9)
    assert build_folder.has_original()
    diverged = np.array([value], np.float32).tobytes() + outputs[4:]
    facts = json.dumps({**FACTS, "probe_kinds": [FEATURES]}).encode()
    build_folder.add_original_outputs(diverged)
    with pytest.raises(ConfigurationError, match=r"original network \(seed 7\) diverged.*--discard"):
        build_folder.add_facts(facts)
    assert not build_folder.has_original()
    build_folder.add_original_outputs(outputs)
    build_folder.add_facts(facts)
    for first in (0, 2):
        build_folder.add_group(first, 2, frame(build_folder, first, 2))
    assert build_folder.reference_probes()
    build_folder.add_original_outputs(diverged)
    with pytest.raises(ConfigurationError, match="diverged"):
        build_folder.reference_probes()


@pytest.mark.parametrize(("kinds", "probes"), [([], CHEAP), ([], None), ([FEATURES], None)])
def test_a_trainer_may_record_nothing(tmp_path: Path, kinds: list[str], probes: ProbeSettings | None) -> None:
    """Of a network and data that allow none, and where the organizer wants none."""
    build_folder = build_folder_in(tmp_path, kinds, probes)
    assert build_folder.probe_settings() is None
    assert build_folder.has_original()
    assert dict(build_folder.output_shapes().probes) == {}


def plan(**options: Any) -> BuildPlan:
    return plan_build(
        **{"recipe": "digits", "name": "tiny", "seed": 0, "forget_fraction": 0.5, "references": 3, **options}
    )


@pytest.fixture
def described(challenge_folder: ChallengeFolder) -> dict[str, Description]:
    """Return descriptions by what is recorded, all as the plan has them otherwise."""
    bare = load_challenge(challenge_folder.describe()).description
    bare = bare.model_copy(update={"item_format": "dict", "limits": plan().limits})
    cheap = plan().probe_settings()
    assert cheap is not None
    return {
        "none": bare,
        "cheap": bare.model_copy(update={"probes": cheap}),
        "without features": bare.model_copy(update={"probes": cheap.recorded(cheap.kinds[:3])}),
        "relearning": bare.model_copy(update={"probes": plan(probes="relearning").probe_settings()}),
        "other copies": bare.model_copy(update={"probes": cheap.model_copy(update={"copies": 5})}),
    }


@pytest.mark.parametrize(
    ("choice", "complete"),
    [
        ("cheap", {"none", "cheap", "without features"}),
        ("none", {"none"}),
        ("relearning", {"relearning"}),
    ],
)
def test_a_repeated_command_finds_its_challenge(
    described: dict[str, Description], choice: str, complete: set[str]
) -> None:
    """One of an earlier version has no probes and gets none; one with probes is none without."""
    matching = {
        name
        for name, description in described.items()
        if matches_plan(description, plan(probes=choice), checkpoint_bytes=0)
    }
    assert matching == complete


def test_an_unfinished_build_goes_on_with_its_probes() -> None:
    """Groups on disk have the probes that the build began with, or none."""
    cheap, none = plan().record(IMAGE), plan(probes="none").record(IMAGE)
    assert differences(cheap, cheap) == {}
    assert list(differences(cheap, none)) == ["probes"]
    earlier = {name: value for name, value in none.items() if name != "probes"}
    assert differences(earlier, none) == {}
    assert list(differences(earlier, cheap)) == ["probes"]
    assert PROBES_FILE not in CHALLENGE_FILES
