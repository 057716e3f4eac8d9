"""An unfinished build is never dropped unasked, and every refusal says how to go on."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.builder.build import build_challenge
from runner.builder.build_folder import BuildFolder
from runner.builder.plan import BuildPlan, plan_build
from runner.builder.resume import discard_unfinished, require_resumable
from runner.builder.seed import choose_seed
from runner.challenge.architecture import ArchitectureFile
from runner.challenge.layout import CHALLENGE_FILES, REFERENCES_FILE
from runner.challenge.load import load_challenge
from runner.challenge.training import TrainingChoice
from runner.challenge.unfinished import BUILD_FOLDER, FACTS_FILE, PLAN_FILE, find_unfinished
from runner.cli.main import command_group
from runner.cli.options import typed_options
from runner.errors import ConfigurationError
from runner.image.image import DIGEST_LABEL, Image
from runner.progress import NullReporter
from tests.runner.conftest import ChallengeFolder
from tests.support.fake_engine import FakeEngine

IMAGE = Image(digest="a" * 64, identity="sha256:1")
NEWER = Image(digest="b" * 64, identity="sha256:2")
ARGUMENTS = ("--data", "/data/my images", "--references", "64")
OPTIONS: dict[str, Any] = {
    "recipe": "idx",
    "name": "partial",
    "seed": 1 << 35,
    "forget_fraction": 0.1,
    "references": 64,
    "has_data": True,
}


def plan(**options: Any) -> BuildPlan:
    """Return the plan of the unfinished build, with changes."""
    built = plan_build(**{**OPTIONS, **options})
    return replace(built, source=built.source.model_copy(update={"data_sha256": "d" * 64}))


def contents(folder: Path) -> dict[str, str]:
    """Return the hash of every file below a folder."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    """Return a folder in which 32 of 64 references are finished and 16 are in training."""
    folder = tmp_path / "partial"
    build = BuildFolder(folder, plan().record(IMAGE), seed=1 << 35, references=64, arguments=ARGUMENTS)
    build.open()
    for name in set(CHALLENGE_FILES) - {REFERENCES_FILE}:
        build.add_file(name, b"data")
    build.add_facts(json.dumps({"group_size": 16}).encode())
    for first in (0, 16):
        (folder / BUILD_FOLDER / f"group-{first:06d}.npz").write_bytes(b"outputs")
    build.snapshots.add(32, b"weights", last=True)
    return folder


def refusal(folder: Path, wanted_plan: BuildPlan, image: Image = IMAGE, **options: Any) -> str:
    """Return the sentence with which a build is refused, after checking that nothing was changed."""
    before = contents(folder)
    engine = options.pop("engine", None) or FakeEngine()
    with pytest.raises(ConfigurationError) as caught:
        build_challenge(
            engine=engine,
            image=image,
            plan=wanted_plan,
            folder=folder,
            labels={},
            reporter=NullReporter(),
            **options,
        )
    assert contents(folder) == before
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        (
            {"recipe": "arrays", "references": 4},
            "recipe (idx there, arrays here), references (64 there, 4 here)",
        ),
        ({"epochs": 6}, "epochs (not set there, 6 here)"),
        ({"seed": 8}, "seed."),
        ({"forget_fraction": 0.2}, "forget-fraction (0.1 there, 0.2 here)"),
        ({"max_examples": 500}, "limit-examples (not set there, 500 here)"),
        ({"architecture": "resnet18"}, "architecture (not set there, resnet18 here)"),
        ({"architecture_file": ArchitectureFile(data=b"x", text="x")}, "architecture-file"),
        ({"training": TrainingChoice(preset="contest")}, "training."),
        ({"train_device": "GPU-1"}, "device (not set there, cuda here)"),
        ({"references": 20}, "references (64 there, 20 here)"),
        ({"recipe": "faces", "shared_persons": True}, "shared-persons (not set there, True here)"),
    ],
)
def test_other_inputs_are_refused(partial: Path, options: dict[str, Any], fields: str) -> None:
    """The sentence says what is there, how far it is, what differs, how to go on and how to drop it."""
    message = refusal(partial, plan(**options))
    assert message.startswith(
        f"{partial} holds an unfinished build of idx (32 of 64 references are finished; begun 20"
    )
    assert "that differs in: " in message
    assert fields in message
    assert "add --discard. " in message
    assert "--keep-networks" not in message
    assert str(1 << 35) not in message, "the seed is a secret"
    assert message.endswith(
        f"To go on with it: {shlex.join(['unlearn', 'challenge', 'build', 'idx', str(partial), *ARGUMENTS])}"
    )


def test_other_data_are_refused(partial: Path) -> None:
    """The hash of the files is an input too."""
    wanted_plan = plan()
    source = wanted_plan.source.model_copy(update={"data_sha256": "e" * 64})
    assert "that differs in: data. " in refusal(partial, replace(wanted_plan, source=source))


@pytest.mark.parametrize(
    "options",
    [
        {"limits": {"wall_seconds": 5.0}},
        {"feedback": "verdict-only"},
        {"public": True},
        {"item_format": "tuple"},
        {"references": 128},
        {"references": 48},
    ],
)
def test_other_settings_keep_the_networks_on_request(partial: Path, options: dict[str, Any]) -> None:
    """What does not change the networks is refused too, but may be taken over without losing any."""
    wanted_plan = plan(**options)
    message = refusal(partial, wanted_plan)
    assert "add --keep-networks" in message
    require_resumable(partial, wanted_plan, IMAGE, engine=FakeEngine(), keep_networks=True)
    assert "epochs (" in refusal(partial, plan(**options, epochs=2), keep_networks=True)


def test_the_same_inputs_go_on(partial: Path) -> None:
    """Whatever the folder is called."""
    require_resumable(partial, plan(name="other"), IMAGE, engine=FakeEngine())
    moved = partial.rename(partial.with_name("moved"))
    require_resumable(moved, plan(), IMAGE, engine=FakeEngine())


def test_another_image(partial: Path) -> None:
    """After an update, the image that began the build is offered if it is still there."""
    engine = FakeEngine()
    message = refusal(partial, plan(), NEWER, engine=engine)
    assert "differs in: image (aaaaaaaaaaaaaaaa there, bbbbbbbbbbbbbbbb here)" in message
    assert "not on this engine" in message
    engine.images.build(
        context=io.BytesIO(),
        target="sandbox",
        tag="unlearn-sandbox:old",
        arguments={},
        labels={DIGEST_LABEL: IMAGE.digest},
        on_line=print,
    )
    message = refusal(partial, plan(), NEWER, engine=engine, keep_networks=True)
    assert "the one that began it is still here" in message
    assert message.endswith(f"{shlex.join(ARGUMENTS)} --image aaaaaaaaaaaaaaaa")


def test_a_plan_of_an_earlier_version(partial: Path) -> None:
    """It has no settings, no options and no time; the same inputs go on, others are refused."""
    file = partial / PLAN_FILE
    stored = json.loads(file.read_text())
    for field in ("settings", "arguments", "begun"):
        del stored[field]
    file.write_text(json.dumps(stored))
    require_resumable(partial, plan(), IMAGE, engine=FakeEngine())
    message = refusal(partial, plan(epochs=6))
    assert "(32 references are finished; begun 20" in message
    assert message.endswith("To go on with it, repeat the command that began it")


@pytest.mark.parametrize("text", ["", "[]", "nonsense", None])
def test_a_plan_that_cannot_be_read(partial: Path, text: str | None) -> None:
    """What was trained under an unknown plan is not dropped either."""
    file = partial / PLAN_FILE
    file.unlink() if text is None else file.write_text(text)
    assert "whose plan cannot be read" in refusal(partial, plan())
    discarded = discard_unfinished(partial, plan(), IMAGE, seed=99)
    assert discarded.seed == 99
    build = find_unfinished(partial)
    assert build is not None
    assert build.is_empty


def test_a_build_that_has_nothing_yet_is_replaced(tmp_path: Path) -> None:
    """A recipe that refuses its data leaves a plan alone: the corrected command needs no option."""
    folder = tmp_path / "new"
    build = BuildFolder(folder, plan().record(IMAGE), seed=5, references=4)
    build.open()
    build.snapshots.add(0, b"half of the weights", last=False)
    other = plan(epochs=3)
    require_resumable(folder, other, IMAGE, engine=FakeEngine())
    again = BuildFolder(folder, other.record(IMAGE), seed=5, references=4)
    again.open()
    assert again.resumable() == []
    assert json.loads((folder / PLAN_FILE).read_text())["source"]["epochs"] == 3
    assert len(list((folder / BUILD_FOLDER).iterdir())) == 1
    assert "which is no challenge yet" in load_refusal(folder)


def test_discard(partial: Path) -> None:
    """It drops a build that differs, with its seed; repeated, it goes on with the build that replaced it."""
    before = contents(partial)
    assert discard_unfinished(partial, plan(), IMAGE, seed=99).seed == 1 << 35
    assert contents(partial) == before
    discarded = discard_unfinished(partial, plan(epochs=6), IMAGE, seed=99)
    assert discarded.seed == 99
    assert list((partial / BUILD_FOLDER).iterdir()) == []
    BuildFolder(partial, discarded.record(IMAGE), seed=99, references=64).open()
    after = contents(partial)
    assert discard_unfinished(partial, discarded, IMAGE, seed=100) is discarded
    assert contents(partial) == after


def test_files_of_a_dropped_build_do_not_stop_the_next(partial: Path) -> None:
    """Its splits and its network remain until they are replaced, and are not taken for another folder's."""
    discarded = discard_unfinished(partial, plan(epochs=6), IMAGE, seed=99)
    require_resumable(partial, discarded, IMAGE, engine=FakeEngine())


def test_discard_leaves_a_complete_challenge_alone(challenge_folder: ChallengeFolder) -> None:
    """Also one whose description is damaged, and one next to a build folder that was not removed."""
    folder = challenge_folder.describe()
    (folder / BUILD_FOLDER).mkdir()
    for text in (None, "nonsense"):
        if text is not None:
            challenge_folder.write("challenge.toml", text.encode())
        before = contents(folder)
        with pytest.raises(ConfigurationError, match="complete challenge, which --discard does not remove"):
            discard_unfinished(folder, plan(), IMAGE, seed=1)
        assert contents(folder) == before


def load_refusal(folder: Path) -> str:
    """Return the sentence with which a folder is refused as a challenge."""
    before = contents(folder)
    with pytest.raises(ConfigurationError) as caught:
        load_challenge(folder)
    assert contents(folder) == before
    return str(caught.value)


def test_show_describes_an_unfinished_build(partial: Path) -> None:
    """With the exact command that goes on; a folder with other files gets no command at all."""
    message = load_refusal(partial)
    assert "(32 of 64 references are finished; begun 20" in message
    assert message.endswith(f"{partial} --data '/data/my images' --references 64 --image aaaaaaaaaaaaaaaa")
    assert "digits" not in message
    other = partial.parent / "other"
    other.mkdir()
    (other / "notes.txt").write_text("notes")
    assert "which holds other files" in load_refusal(other)
    assert "unlearn challenge build" not in load_refusal(other)


def test_typed_options_give_the_same_options_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths become absolute, flags keep their side, defaults and what is left out are not printed."""
    monkeypatch.chdir(tmp_path)
    Path("own.toml").write_text("")
    challenge = command_group().commands["challenge"]
    build = challenge.commands["build"]  # type: ignore[attr-defined]
    typed = ["idx", "partial", "--data", "mnist", "--private", "--seed", "5", "--training", "own.toml"]
    context = build.make_context(
        "build", [*typed, "--epochs", "3", "--shared-persons", "--wall-seconds", "2"]
    )
    words = typed_options(context, leave_out=("seed",))
    assert words == [
        *("--data", str(tmp_path / "mnist"), "--wall-seconds", "2.0", "--private", "--shared-persons"),
        *("--training", str(tmp_path / "own.toml"), "--epochs", "3"),
    ]
    again = build.make_context("build", ["idx", "partial", *words])
    assert typed_options(again, leave_out=("seed",)) == words
    quiet = build.make_context("build", ["idx", "partial", *words, "--quiet"])
    assert typed_options(quiet, leave_out=("seed",)) == words
    build.make_context("build", ["idx", "partial"])  # --quiet holds for one command


@pytest.mark.parametrize(
    "plan_text",
    [
        '{"begun": "0001-01-01T00:00:00+14:00", "recipe": "idx\\u001b[31m", "arguments": ["a", 5, null], "image": 7}',
        '{"begun": 5, "recipe": ["idx"], "settings": {"references": "many"}, "arguments": "abc"}',
        '{"settings": [], "source": [], "image": null, "seed": {}}',
        "[" * 100_000,
        '{"seed": ' + "9" * 5000 + "}",
    ],
)
def test_a_hostile_plan_is_described_in_a_sentence(partial: Path, plan_text: str) -> None:
    """A folder may come from anywhere: whatever its plan holds, it is refused and remains."""
    (partial / PLAN_FILE).write_text(plan_text)
    assert "holds an unfinished build" in load_refusal(partial)
    assert "holds an unfinished build" in refusal(partial, plan())
    assert choose_seed(partial, None, lambda _below: 0) > 0


def test_a_pipe_in_place_of_the_plan_is_not_waited_for(partial: Path) -> None:
    """Nor is one in place of the facts."""
    for file in (PLAN_FILE, FACTS_FILE):
        (partial / file).unlink()
        os.mkfifo(partial / file)
    assert "holds an unfinished build" in load_refusal(partial)
    assert choose_seed(partial, None, lambda _below: 0) > 0
