"""A build says early what makes its challenge of little use, and keeps what it observed beside the challenge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import pytest
from rich.console import Console
from safetensors.numpy import load, save

from runner.builder.build import build_challenge
from runner.builder.data_files import OrganizerData
from runner.builder.plan import BuildPlan, plan_build
from runner.challenge.challenge import Challenge
from runner.challenge.description import render_description
from runner.challenge.layout import CHALLENGE_FILES, DESCRIPTION_FILE, REFERENCES_FILE, SPLIT_FILES
from runner.challenge.limits import Limits
from runner.engine.api import Engine
from runner.engine.container_spec import ContainerSpec
from runner.engine.info import EngineInfo
from runner.errors import ConfigurationError
from runner.image.image import Image
from runner.progress import NullReporter
from runner.reports.challenges import challenge_table
from sandbox.protocol.frames import Frame, encode
from sandbox.protocol.messages import TO_TRAINER
from tests.runner.conftest import ChallengeFolder
from tests.support.fake_stream import Answer, FakeStream

IMAGE = Image(digest="a" * 64, identity="sha256:1")
FACTS: dict[str, Any] = {
    "architecture": "digits",
    "classes": 2,
    "batch_size": 4,
    "forget_examples": 3,
    "class_counts": {"retain": [1, 1], "forget": [1, 2], "val": [1, 1], "test": [1, 1]},
    "training": {"epochs": 1, "batch_size": 4, "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0},
    "group_size": 3,
}
LATER = {
    "notes": ["2 pictures \x1b[2J were not read"],
    "original_correct": {"retain": 2, "forget": 3, "val": 1, "test": 0},
    "epoch_seconds": 99.0,
    "training_bytes": 3 << 30,
}
ORIGINAL = {"weight": np.ones((2, 3), np.float32), "bn.running_var": np.array([1e5], np.float32)}


class OneTrainer:
    """An engine whose one container trains nothing, and sends what was trained before."""

    def __init__(self, files: dict[str, bytes], facts: dict[str, Any], info: EngineInfo) -> None:
        self._info = info
        outputs = (
            np.ones((3, 3, 2), np.float32).tobytes()
            + np.ones((3, 4, 2), np.int64).tobytes()
            + np.ones((3, 2), np.float32).tobytes()
        )
        self.answers = [
            encode("ready", seconds=0.5),
            *(encode("file", data, name=name) for name, data in files.items()),
            encode("progress", stage="original network (steps)", done=1, total=2),
            encode("facts", json.dumps(facts).encode()),
            encode("group", outputs, first=0, count=3),
            encode("done"),
        ]

    def info(self) -> EngineInfo:
        return self._info

    def start(self, _spec: ContainerSpec) -> FakeStream:
        def script(frame: Frame) -> list[Answer]:
            return [(0.0, answer) for answer in self.answers] if frame.kind == "job" else []

        return FakeStream(script, rules=TO_TRAINER)


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., tuple[Challenge, list[str]]]:
    """Return a function that builds from a trainer's facts and returns the challenge and the remarks."""
    source = ChallengeFolder(tmp_path / "source")
    source.write("public/original.safetensors", save(ORIGINAL))
    files = {name: (source.folder / name).read_bytes() for name in CHALLENGE_FILES if name != REFERENCES_FILE}
    plan = plan_build(recipe="digits", name="mine", seed=7, forget_fraction=0.1, references=3)

    def build(
        facts: dict[str, Any],
        *,
        info: EngineInfo | None = None,
        data: OrganizerData | None = None,
        replaced: Mapping[str, bytes] = MappingProxyType({}),
        **changes: Any,
    ) -> tuple[Challenge, list[str]]:
        notes: list[str] = []
        chosen: BuildPlan = replace(plan, **changes)
        challenge = build_challenge(
            engine=cast(Engine, OneTrainer({**files, **replaced}, facts, info or EngineInfo())),
            image=IMAGE,
            plan=chosen,
            folder=tmp_path / "mine",
            labels={},
            reporter=NullReporter(),
            data=data,
            note=notes.append,
        )
        return challenge, notes

    return build


def test_remarks_come_early_and_facts_stay(build: Callable[..., tuple[Challenge, list[str]]]) -> None:
    """Of the plan before anything is trained, of data and original as soon as it is."""
    data = OrganizerData(files=(), left_out={".heic": 2})
    challenge, notes = build({**FACTS, **LATER}, data=data)
    clean = "2 pictures \N{REPLACEMENT CHARACTER}[2J were not read"
    starts = [
        "3 references are few",
        clean,
        "the forget set has 3 examples",
        "a run may take 60 s, and one epoch of training took 99 s",
        "a run may use 2 GiB of memory, and training the original network took 3 GiB",
        "the original network does not fit half precision: bn.running_var reaches 100000;",
    ]
    assert [note[: len(start)] for note, start in zip(notes, starts, strict=True)] == starts
    facts = challenge.build_facts
    assert facts.notes == ("digits reads 0 of your files; not read: 2 .heic", clean)
    assert facts.original_accuracy == {"retain": 1.0, "forget": 1.0, "val": 0.5, "test": 0.0}
    assert (facts.epoch_seconds, facts.training_bytes) == (99.0, 3 << 30)


def test_facts_of_earlier_images_are_enough(build: Callable[..., tuple[Challenge, list[str]]]) -> None:
    """What they do not send is not remarked on."""
    challenge, notes = build(FACTS)
    assert [note.split(" ")[0] for note in notes] == ["3", "the", "the"]
    assert challenge.build_facts.original_accuracy == {}


@pytest.mark.parametrize(
    ("info", "is_missing"),
    [
        (EngineInfo(), True),
        (EngineInfo(runtimes=("nvidia", "runc")), False),
        (EngineInfo(cdi_devices=("nvidia.com/gpu=all",)), False),
        (EngineInfo(has_cdi=True), True),
    ],
)
def test_runs_on_a_missing_gpu_are_remarked_on_first(
    build: Callable[..., tuple[Challenge, list[str]]], info: EngineInfo, is_missing: bool
) -> None:
    """The challenge is built nevertheless: it may be for another host."""
    challenge, notes = build(FACTS, info=info, device="cuda")
    assert challenge.description.device == "cuda"
    assert ["offers no GPU" in note for note in notes[:2]] == [False, is_missing]


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., dict[str, bytes]]:
    """Return a function that returns the file of a split after replacing one of its columns."""

    def change(split: str, **columns: Any) -> dict[str, bytes]:
        name = SPLIT_FILES[split]
        return {name: save({**load((tmp_path / "source" / name).read_bytes()), **columns})}

    return change


@pytest.mark.parametrize("split", ["forget", "test"])
def test_equal_images_are_remarked_on_before_references_are_trained(
    build: Callable[..., tuple[Challenge, list[str]]], changed: Callable[..., dict[str, bytes]], split: str
) -> None:
    """Between the remark on the plan and that on the original network, which comes last of all."""
    images = np.zeros_like(load(changed(split)[SPLIT_FILES[split]])["image"])
    retain = load(changed("retain")["public/retain.safetensors"])["image"]
    images[:] = retain[:1]
    challenge, notes = build({**FACTS, **LATER}, replaced=changed(split, image=images))
    early = [note for note in notes if f"{split} images are also in retain" in note]
    assert len(early) == 1
    assert 0 < notes.index(early[0]) < len(notes) - 1
    assert early[0] in challenge.warnings


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"image_id": np.array([1, 0, 2], np.int64)}, "image_id 0 is in public/retain.safetensors"),
        ({"label": np.array([1, 1, 1], np.int64)}, "it has 0 examples of class 0, but class_counts states 1"),
        ({"image": np.full((3, 1, 2, 2), np.nan, np.float32)}, "is damaged: row 0 has an image with values"),
    ],
)
def test_data_that_would_be_refused_at_the_end_are_refused_early(
    build: Callable[..., tuple[Challenge, list[str]]],
    changed: Callable[..., dict[str, bytes]],
    tmp_path: Path,
    columns: dict[str, Any],
    words: str,
) -> None:
    """As soon as the original network is trained; no reference is stored, and nothing is complete."""
    with pytest.raises(ConfigurationError, match=words):
        build({**FACTS, **LATER}, replaced=changed("forget", **columns))
    assert not list((tmp_path / "mine").rglob("group-*"))
    assert not (tmp_path / "mine" / REFERENCES_FILE).exists()


def test_a_new_challenge_limits_submissions(build: Callable[..., tuple[Challenge, list[str]]]) -> None:
    """To half a checkpoint or 256 KiB, and to a part of retraining, unless other limits are typed; the same
    command finds it complete."""
    challenge, _ = build(FACTS)
    assert challenge.description.limits == Limits(submission_bytes=256 << 10, retraining_fraction=0.65)
    assert build(FACTS)[0].sha256 == challenge.sha256
    for size in (1024, 100 << 20):
        with pytest.raises(ConfigurationError, match="holds another challenge"):
            build(FACTS, limits=Limits(submission_bytes=size))


def test_a_complete_challenge_of_an_earlier_version_is_accepted(
    build: Callable[..., tuple[Challenge, list[str]]],
) -> None:
    """It has no limit of submissions, and gets none; a typed limit makes it another challenge."""
    challenge, _ = build(FACTS)
    earlier = challenge.description.model_copy(update={"limits": Limits()})
    text = render_description(earlier)
    assert b"submission_bytes" not in text
    (challenge.folder / DESCRIPTION_FILE).write_bytes(text)
    assert build(FACTS)[0].description.limits.submission_bytes is None
    with pytest.raises(ConfigurationError, match="holds another challenge"):
        build(FACTS, limits=Limits(submission_bytes=256 << 10))


def test_a_complete_challenge_with_an_earlier_default_time_limit_is_accepted(
    build: Callable[..., tuple[Challenge, list[str]]],
) -> None:
    """Where the default has become a fraction of retraining; if the fraction was typed, it is another challenge."""
    challenge, _ = build(FACTS)
    for earlier in (Limits(), Limits(submission_bytes=256 << 10)):
        text = render_description(challenge.description.model_copy(update={"limits": earlier}))
        (challenge.folder / DESCRIPTION_FILE).write_bytes(text)
        fraction = Limits(wall_fraction=0.4)
        assert build(FACTS, limits=fraction, has_default_time_limit=True)[0].description.limits == earlier
        with pytest.raises(ConfigurationError, match="holds another challenge"):
            build(FACTS, limits=fraction, has_default_time_limit=False)


@pytest.mark.parametrize("fraction", [None, 0.65, 0.2])
def test_a_fraction_of_retraining_is_part_of_a_challenge(
    build: Callable[..., tuple[Challenge, list[str]]], fraction: float | None
) -> None:
    """One without it, of an earlier version, is complete; a typed fraction is not changed, and is shown."""
    limits = Limits(submission_bytes=256 << 10)
    challenge, _ = build(FACTS, limits=limits.with_changes(retraining_fraction=fraction))
    assert challenge.description.limits.retraining_fraction == (fraction or 0.65)
    console = Console(width=200)
    with console.capture() as shown:
        console.print(challenge_table(challenge))
    assert re.search(f"too slow +above {'20' if fraction == 0.2 else '65'} % of retraining", shown.get())
    earlier = challenge.description.model_copy(update={"limits": limits})
    (challenge.folder / DESCRIPTION_FILE).write_bytes(render_description(earlier))
    assert build(FACTS)[0].description.limits.retraining_fraction is None


def test_a_typed_limit_of_submissions_is_in_the_challenge(
    build: Callable[..., tuple[Challenge, list[str]]],
) -> None:
    """And `challenge show` prints it."""
    challenge, _ = build(FACTS, limits=Limits(submission_bytes=1536))
    assert b"submission_bytes = 1536" in (challenge.folder / DESCRIPTION_FILE).read_bytes()
    console = Console(width=200)
    with console.capture() as shown:
        console.print(challenge_table(challenge))
    assert re.search(r"submissions +at most 1.5 KiB", shown.get())
