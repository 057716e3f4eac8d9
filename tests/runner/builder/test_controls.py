"""Control problems are built after the challenge, each by the same plan, and belong to it alone."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import tomli_w
from safetensors.numpy import load, save

from runner.builder.build import build_challenge
from runner.builder.plan import BuildPlan, plan_build
from runner.builder.resume import discard_unfinished
from runner.challenge.challenge import Challenge
from runner.challenge.controls import load_controls
from runner.challenge.export import export_challenge, left_out_sentence
from runner.challenge.layout import (
    CHALLENGE_FILES,
    CONTROLS_FOLDER,
    DESCRIPTION_FILE,
    REFERENCES_FILE,
    SPLIT_FILES,
    control_folder,
)
from runner.challenge.load import load_challenge
from runner.challenge.seeds import GUESSABLE_SEEDS
from runner.engine.api import Engine
from runner.engine.container_spec import ContainerSpec
from runner.engine.info import EngineInfo
from runner.errors import ConfigurationError, SandboxStartError
from runner.progress import NullReporter
from sandbox.protocol.frames import Frame
from sandbox.protocol.messages import TO_TRAINER
from tests.runner.builder.test_build import FACTS, IMAGE, OneTrainer
from tests.runner.conftest import ChallengeFolder
from tests.support.fake_stream import Answer, FakeStream

PLAN = plan_build(recipe="digits", name="mine", seed=7, forget_fraction=0.1, references=3, controls=2)


class Trainers(OneTrainer):
    """An engine that starts so many trainers, and then none."""

    def __init__(self, files: dict[str, bytes], limit: int, *, seed_decides: bool) -> None:
        super().__init__(files, FACTS, EngineInfo())
        self.files, self.limit, self.started = files, limit, 0
        self.seed_decides = seed_decides

    def start(self, _spec: ContainerSpec) -> FakeStream:
        if self.started == self.limit:
            raise SandboxStartError("The engine is gone.")
        self.started += 1

        def script(frame: Frame) -> list[Answer]:
            if frame.kind != "job":
                return []
            files = dict(self.files)
            if self.seed_decides:
                columns = load(files[SPLIT_FILES["forget"]])
                columns["image"] = columns["image"] + np.float32(json.loads(frame.payload)["seed"] % 1000)
                files[SPLIT_FILES["forget"]] = save(columns)
            return [(0.0, answer) for answer in OneTrainer(files, FACTS, EngineInfo()).answers]

        return FakeStream(script, rules=TO_TRAINER)


class Builds:
    """Builds in one folder."""

    def __init__(self, folder: Path, source: ChallengeFolder) -> None:
        self.folder = folder
        self.files = {
            name: (source.folder / name).read_bytes() for name in CHALLENGE_FILES if name != REFERENCES_FILE
        }
        self.trainings = 0
        self.notes: list[str] = []

    def __call__(
        self,
        plan: BuildPlan = PLAN,
        *,
        trainers: int = 9,
        keep_networks: bool = False,
        seed_decides: bool = True,
    ) -> Challenge:
        self.notes.clear()
        engine = Trainers(self.files, trainers, seed_decides=seed_decides)
        try:
            return build_challenge(
                engine=cast(Engine, engine),
                image=IMAGE,
                plan=plan,
                folder=self.folder,
                labels={},
                reporter=NullReporter(),
                keep_networks=keep_networks,
                note=self.notes.append,
            )
        finally:
            self.trainings = engine.started


@pytest.fixture
def build(tmp_path: Path, challenge_folder: ChallengeFolder) -> Builds:
    return Builds(tmp_path / "mine", challenge_folder)


def test_each_control_is_a_challenge_of_the_same_plan(build: Builds) -> None:
    """With its own secret seed, which does not depend on that of the challenge; limits and counts agree."""
    challenge = build()
    controls = load_controls(challenge)
    assert build.trainings == 3
    assert [control.sha256 for control in controls] == challenge.description.controls
    assert len({challenge.sha256, *(challenge.description.controls or ())}) == 3
    for number, control in enumerate(controls, start=1):
        of_control, of_main = control.description, challenge.description
        assert of_control.seed is not None
        assert of_control.seed >= GUESSABLE_SEEDS  # although the challenge's can be guessed
        for name in ("recipe", "source", "limits", "feedback", "references", "item_format", "training"):
            assert getattr(of_control, name) == getattr(of_main, name)
        assert (of_control.controls, of_control.visibility) == (None, "private")
        assert of_control.name == f"mine, control {number}"
        assert not (control.folder / ".building").exists()
    assert build().sha256 == challenge.sha256
    assert build.trainings == 0


@pytest.mark.parametrize(("trainers", "remaining"), [(0, 3), (1, 3), (2, 2)])
def test_an_interrupted_build_goes_on_with_the_unfinished_control(
    build: Builds, trainers: int, remaining: int
) -> None:
    """The challenge is complete with its last control; what is finished is not trained again."""
    with pytest.raises(SandboxStartError):
        build(trainers=trainers)
    finished = [control_folder(build.folder, number) / DESCRIPTION_FILE for number in (1, 2)]
    texts = [file.read_bytes() if file.is_file() else b"" for file in finished]
    assert sum(map(bool, texts)) == max(0, trainers - 1)
    with pytest.raises(
        ConfigurationError, match="unfinished build" if trainers else "No challenge|unfinished"
    ):
        load_challenge(build.folder)
    challenge = build()
    assert build.trainings == remaining  # the challenge's own trainer finds everything done
    assert len(load_controls(challenge)) == 2
    for file, text in zip(finished, texts, strict=True):
        assert not text or file.read_bytes() == text


def test_the_unfinished_build_counts_its_controls(build: Builds) -> None:
    """So that whoever asks sees how far it is."""
    with pytest.raises(SandboxStartError):
        build(trainers=2)
    with pytest.raises(ConfigurationError, match=r"3 of 3 references are finished, and 1 of 2 control"):
        load_challenge(build.folder)


def test_controls_are_added_to_a_complete_challenge(build: Builds) -> None:
    """Its networks stay; its hash is another one. Fewer controls than it has are another challenge."""
    alone = build(replace(PLAN, controls=0))
    references = (build.folder / REFERENCES_FILE).read_bytes()
    assert alone.description.controls is None
    assert b"controls" not in (build.folder / DESCRIPTION_FILE).read_bytes()
    first = build(replace(PLAN, controls=1))
    assert build.trainings == 1
    both = build()
    assert build.trainings == 1
    assert both.description.controls is not None
    assert both.description.controls[:1] == first.description.controls
    assert len({alone.sha256, first.sha256, both.sha256}) == 3
    assert (build.folder / REFERENCES_FILE).read_bytes() == references
    assert [challenge.run_seed(3) for challenge in (alone, both)] == [alone.run_seed(3)] * 2
    for fewer in (0, 1):
        with pytest.raises(ConfigurationError, match="controls differ"):
            build(replace(PLAN, controls=fewer))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"training": {"learning_rate": 0.003}}, "another training"),
        ({"training": {"epochs": 7}}, "another training"),
        ({"batch_size": 9}, "another batch size"),
        ({"batch_size": 9, "training": {"momentum": 0.1}}, "another training, batch size"),
    ],
)
def test_controls_of_another_training_are_not_added(
    build: Builds, change: dict[str, Any], words: str
) -> None:
    """An earlier version may have trained the challenge otherwise; it stays as it is."""
    built_before(build, change)
    before = (build.folder / DESCRIPTION_FILE).read_bytes()
    with pytest.raises(ConfigurationError, match=f"cannot be compared with its challenge.*{words}"):
        build()
    assert (build.folder / DESCRIPTION_FILE).read_bytes() == before
    assert build.trainings == 1, "the second control is not built"


def test_controls_of_another_image_are_noted(build: Builds) -> None:
    """Once, before they are built."""
    built_before(build, {})
    build()
    assert build.notes == []
    shutil.rmtree(build.folder / CONTROLS_FOLDER)
    built_before(build, {"image": "9" * 64})
    build()
    assert [note for note in build.notes if "another image than its control problems" in note] == build.notes
    assert len(build.notes) == 1


def built_before(build: Builds, change: dict[str, Any]) -> None:
    """Build a challenge without control problems, and describe it as an earlier version would have."""
    file = build.folder / DESCRIPTION_FILE
    if not file.is_file():
        build(replace(PLAN, controls=0))
    description = tomllib.loads(file.read_text())
    description.pop("controls", None)
    training = {**description["training"], **change.get("training", {})}
    file.write_text(tomli_w.dumps({**description, **change, "training": training}))


def test_discarding_a_build_discards_its_controls(build: Builds) -> None:
    """They are of the same plan; a build with the same inputs keeps them."""
    with pytest.raises(SandboxStartError):
        build(trainers=2)
    assert discard_unfinished(build.folder, PLAN, IMAGE, seed=1) is PLAN
    assert (control_folder(build.folder, 1) / DESCRIPTION_FILE).is_file()
    discard_unfinished(build.folder, replace(PLAN, forget_fraction=0.2), IMAGE, seed=1)
    assert not (build.folder / CONTROLS_FOLDER).exists()


def _remove(folder: Path) -> None:
    shutil.rmtree(control_folder(folder, 2))


def _exchange(folder: Path) -> None:
    shutil.copytree(control_folder(folder, 1), control_folder(folder, 2), dirs_exist_ok=True)


def _damage(folder: Path) -> None:
    (control_folder(folder, 2) / REFERENCES_FILE).write_bytes(b"")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_remove, "Control problem 2 .* cannot be read.*Copy the whole folder"),
        (_exchange, "2/challenge.toml is not the control problem that"),
        (_damage, "is not the file that challenge.toml describes"),
    ],
)
def test_controls_are_checked_when_they_are_loaded(
    build: Builds, harm: Callable[[Path], None], words: str
) -> None:
    """Only then: the challenge itself stays usable for everything else."""
    challenge = build()
    harm(build.folder)
    assert load_challenge(build.folder).sha256 == challenge.sha256
    with pytest.raises(ConfigurationError, match=words):
        load_controls(challenge)


def test_a_control_with_other_options_is_not_taken(build: Builds) -> None:
    """The message names the folder that is in the way."""
    with pytest.raises(SandboxStartError):
        build(trainers=2)
    other = replace(PLAN, limits=PLAN.limits.with_changes(wall_seconds=30.0))
    with pytest.raises(ConfigurationError, match=r"1 is control problem 1 .* removing that folder"):
        build(other, keep_networks=True)
    shutil.rmtree(control_folder(build.folder, 1))
    assert load_controls(build(other, keep_networks=True))[0].description.limits.wall_seconds == 30.0


def test_data_that_say_what_is_forgotten_have_no_controls(build: Builds) -> None:
    """The forget set would be the same: it is refused before references of a control are trained, each time."""
    for trainings in (2, 1):
        with pytest.raises(ConfigurationError, match="say themselves which examples are forgotten"):
            build(seed_decides=False)
        assert build.trainings == trainings
        assert not list((build.folder / CONTROLS_FOLDER).rglob("group-*"))
    shutil.rmtree(build.folder / CONTROLS_FOLDER)
    plan = replace(PLAN, controls=0)
    assert build(plan, keep_networks=True, seed_decides=False).description.controls is None


@pytest.mark.parametrize("public", [False, True])
def test_exports_know_nothing_of_controls(build: Builds, tmp_path: Path, *, public: bool) -> None:
    """Neither a file nor a field; the export of a public challenge holds everything else."""
    plan = replace(PLAN, visibility="public" if public else "private")
    challenge = build(plan)
    exported = export_challenge(challenge, tmp_path / "out")
    names = [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")]
    assert not [name for name in names if "control" in name]
    text = (tmp_path / "out" / DESCRIPTION_FILE).read_text()
    assert "control" not in text
    assert not [sha for sha in challenge.description.controls or () if sha in text]
    assert (REFERENCES_FILE in names) is public
    assert exported.description.controls is None
    assert "control" in left_out_sentence(challenge.description)


def test_a_plan_without_controls_is_recorded_as_before() -> None:
    """An unfinished build of an earlier version goes on."""
    record = json.loads(json.dumps(replace(PLAN, controls=0).record(IMAGE)))
    assert record["settings"].pop("controls") is None
