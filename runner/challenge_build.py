"""Building a challenge: what the trainer sends becomes files, whole or not at all.

While it goes on, ``.building/`` holds what is finished; the same command goes on from
there. ``challenge.toml`` is written last, so a folder with one is a whole challenge.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from runner import arrays, options
from runner import challenge as challenges
from runner.challenge import (
    DESCRIPTION,
    REFERENCES,
    Challenge,
    Description,
    Feedback,
    Source,
    Training,
    Visibility,
)
from runner.challenge_data import OrganizerData
from runner.channel import Channel, StreamEndedError
from runner.engine import Engine
from runner.errors import ConfigurationError, SandboxLostError
from runner.files import write_whole
from runner.image import Image
from runner.limits import Limits
from runner.progress import Reporter
from sandbox.jobs import EMBEDDED_RECIPE, SPLITS, TrainerJob
from sandbox.messages import from_trainer
from sandbox.protocol import Frame, ProtocolViolationError

_BUILDING: Final = ".building"
_SILENCE_SECONDS: Final = 3600.0
_EXPECTED_FILES: Final = frozenset(challenges.FILES) - {REFERENCES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be built."""

    recipe: str
    name: str
    seed: int
    forget_fraction: float
    references: int
    item_format: str
    limits: Limits
    feedback: Feedback = "full"
    visibility: Visibility = "private"
    source: Source = field(default_factory=Source)

    def identity(self, image: Image) -> dict[str, Any]:
        """Return what has to be the same for a build to be gone on with."""
        return {
            "recipe": self.recipe,
            "source": self.source.model_dump(),
            "seed": self.seed,
            "forget_fraction": self.forget_fraction,
            "image": image.digest,
        }


def build(
    *,
    engine: Engine,
    image: Image,
    plan: Plan,
    folder: Path,
    labels: Mapping[str, str],
    reporter: Reporter,
    data: OrganizerData | None = None,
) -> Challenge:
    """Return the challenge, building what is missing of it; ``data`` is what the recipe reads.

    Raises:
        ConfigurationError: the folder holds something else, or the recipe refuses.
        SandboxError: the trainer failed; the same command goes on.
    """
    if (folder / DESCRIPTION).is_file():
        found = challenges.load(folder)
        if _is_what_is_wanted(found.description, plan):
            return found
        raise ConfigurationError(
            f"{folder} holds another challenge (its recipe, data, seed, references, items, limits, "
            "feedback or visibility differ, or it is an export); choose another folder, or remove it."
        )
    if folder.exists() and any(entry.name != _BUILDING for entry in folder.iterdir()):
        unfinished = (folder / _BUILDING).is_dir()
        if not unfinished:
            raise ConfigurationError(f"{folder} is not empty and holds no challenge; choose another folder.")
    site = _Site(folder, plan.identity(image))
    site.open()
    container = engine.start(
        options.trainer(image=image.tag, cpus=float(engine.cores()), labels=dict(labels))
    )
    try:
        channel = Channel(container, from_trainer())
        _converse(channel, site, plan, data=data, cores=engine.cores(), reporter=reporter)
    finally:
        container.remove()
    return _finish(site, plan, image, folder)


def _is_what_is_wanted(found: Description, plan: Plan) -> bool:
    return (
        found.recipe == plan.recipe
        and found.source == plan.source
        and found.seed == plan.seed
        and found.forget_fraction == plan.forget_fraction
        and found.references == plan.references
        and found.item_format == plan.item_format
        and found.limits == plan.limits
        and found.feedback == plan.feedback
        and found.visibility == plan.visibility
        and found.exported_from is None
    )


def _converse(
    channel: Channel,
    site: _Site,
    plan: Plan,
    *,
    data: OrganizerData | None,
    cores: int,
    reporter: Reporter,
) -> None:
    files = data.files if data is not None else ()
    job = TrainerJob(
        recipe=plan.recipe,
        seed=plan.seed,
        forget_fraction=plan.forget_fraction,
        references=plan.references,
        groups_done=site.groups(plan.references),
        skip_original=site.has_original(),
        device="cpu",
        processes=cores,
        data_files=len(files),
        most_examples=plan.source.most_examples,
        architecture=plan.source.architecture,
        epochs=plan.source.epochs,
    )
    reporter.step(f"{plan.name}: starting the trainer")
    channel.send("job", job.to_json())
    channel.await_ready()
    for sent, file in enumerate(files):
        reporter.count(f"{plan.name}: sending data", sent, len(files))
        channel.send("data", file.read(), name=file.name)
    while True:
        try:
            frame = channel.receive(_SILENCE_SECONDS)
        except (StreamEndedError, ProtocolViolationError) as error:
            raise SandboxLostError(f"The trainer ended early{channel.complaint()}.") from error
        if frame is None:
            raise SandboxLostError("The trainer said nothing for an hour.")
        if frame.kind == "done":
            return
        _take(frame, site, plan, reporter)


def _take(frame: Frame, site: _Site, plan: Plan, reporter: Reporter) -> None:
    if frame.kind == "progress":
        stage = "original model" if frame.text("stage") == "original" else frame.text("stage")
        reporter.count(f"{plan.name}: {stage}", frame.integer("done"), frame.integer("total"))
    elif frame.kind == "failed":
        raise ConfigurationError(f"The recipe refuses: {frame.text('reason')}.")
    elif frame.kind == "file":
        site.take_file(frame.text("name"), frame.payload)
    elif frame.kind == "facts":
        site.take_facts(frame.payload)
    elif frame.kind == "group":
        site.take_group(frame.integer("first"), frame.integer("count"), frame.payload)


class _Site:
    """The folder of a challenge while it is being built."""

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.folder, self._identity = folder, dict(identity)
        self._building = folder / _BUILDING
        self._facts = self._building / "facts.json"

    def open(self) -> None:
        """Make ready, dropping what an other plan or image has left unfinished."""
        mark = self._building / "plan.json"
        try:
            same = json.loads(mark.read_text()) == self._identity
        except (OSError, ValueError):
            same = False
        if not same:
            shutil.rmtree(self._building, ignore_errors=True)
            write_whole(mark, json.dumps(self._identity).encode())

    def has_original(self) -> bool:
        return self._facts.is_file() and all((self.folder / name).is_file() for name in _EXPECTED_FILES)

    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._facts.read_text())
        return found

    def groups(self, references: int) -> list[int]:
        if not self.has_original():
            return []
        found = (int(file.stem.removeprefix("group-")) for file in self._building.glob("group-*.npz"))
        return sorted(first for first in found if first < references)

    def take_file(self, name: str, data: bytes) -> None:
        if name not in _EXPECTED_FILES:
            raise SandboxLostError(f"The trainer sent a file that was not due: {name[:60]}.")
        write_whole(self.folder / name, data)

    def take_facts(self, data: bytes) -> None:
        write_whole(self._facts, data)

    def take_group(self, first: int, count: int, data: bytes) -> None:
        facts = self.facts()
        classes = int(facts["classes"])
        outputs = arrays.divide(
            data,
            logits=("<f4", (count, int(facts["forget_examples"]), classes)),
            correct=("<i8", (count, len(SPLITS), classes)),
            unseen_losses=("<f4", (count, sum(facts["class_counts"]["test"]))),
        )
        write_whole(self._building / f"group-{first:06d}.npz", arrays.pack(**outputs))

    def references(self, wanted: int) -> bytes:
        """Return the outputs of all references, as the bytes of ``references.npz``."""
        parts = []
        for first in self.groups(wanted):
            data = (self._building / f"group-{first:06d}.npz").read_bytes()
            try:
                found = arrays.unpack(data, challenges.OUTPUTS)
            except arrays.ArraysError as error:
                (self._building / f"group-{first:06d}.npz").unlink()
                raise SandboxLostError(
                    f"References {first} and on were damaged on disk; repeat the command to train them again."
                ) from error
            parts.append(found)
        outputs = {
            name: np.concatenate([part[name] for part in parts])[:wanted] for name in challenges.OUTPUTS
        }
        logits = outputs["logits"]
        if len(logits) != wanted:
            raise SandboxLostError(f"The trainer said it was done after {len(logits)} references.")
        if not np.isfinite(logits).all():
            diverged = int((~np.isfinite(logits).all(axis=(1, 2))).sum())
            raise ConfigurationError(f"{diverged} references diverged; choose another seed or training.")
        for split in ("retain", "test"):  # a score divides by their accuracy
            if not outputs["correct"][:, SPLITS.index(split)].any():
                raise ConfigurationError(
                    f"The references get no {split} example right; train them for more epochs."
                )
        return arrays.pack(**outputs)

    def clear(self) -> None:
        shutil.rmtree(self._building, ignore_errors=True)


def _finish(site: _Site, plan: Plan, image: Image, folder: Path) -> Challenge:
    facts = site.facts()
    write_whole(folder / REFERENCES, site.references(plan.references))
    description = Description(
        schema_version=challenges.SCHEMA_VERSION,
        name=plan.name,
        recipe=plan.recipe,
        source=plan.source,
        visibility=plan.visibility,
        seed=plan.seed,
        forget_fraction=plan.forget_fraction,
        architecture=facts["architecture"],
        classes=facts["classes"],
        item_format=plan.item_format,  # type: ignore[arg-type]
        batch_size=facts["batch_size"],
        references=plan.references,
        image=image.digest,
        limits=plan.limits,
        feedback=plan.feedback,
        training=Training(**facts["training"]),
        class_counts=facts["class_counts"],
        files={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in challenges.FILES},
    )
    write_whole(folder / DESCRIPTION, challenges.render(description))
    site.clear()
    return challenges.load(folder)


def default_limits(recipe: str) -> Limits:
    """Return the limits that a recipe's challenge has unless told otherwise."""
    if recipe == EMBEDDED_RECIPE:
        return Limits(wall_seconds=60.0, cpus=2.0, concurrency=2)
    return Limits()
