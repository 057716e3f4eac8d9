"""Building a challenge: what the trainer sends becomes files, whole or not at all.

While it goes on, ``.building/`` holds what is finished; the same command goes on from
there. ``challenge.toml`` is written last, so a folder with one is a whole challenge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner import challenge as challenges
from runner import options
from runner.architecture import ArchitectureFile
from runner.building import BUILDING, Site
from runner.challenge import Challenge
from runner.challenge_data import OrganizerData
from runner.channel import Channel
from runner.description import (
    ARCHITECTURE,
    DESCRIPTION,
    FILES,
    REFERENCES,
    SCHEMA_VERSION,
    Description,
    Feedback,
    RunDevice,
    Source,
    Visibility,
    render,
)
from runner.engine import Engine
from runner.errors import ConfigurationError
from runner.files import write_whole
from runner.image import Image
from runner.limits import Limits
from runner.placement import CPU, HERE, Placement
from runner.progress import Reporter
from runner.trainer_frames import trainer_frames
from runner.training import Training
from sandbox.jobs import EMBEDDED_RECIPE, TrainerJob
from sandbox.messages import from_trainer
from sandbox.protocol import Frame


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
    device: RunDevice = "cpu"
    """What runs need."""
    source: Source = field(default_factory=Source)
    architecture_file: ArchitectureFile | None = None
    """The organizer's own network; its hash is part of ``source``."""

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
    placement: Placement = HERE,
    snapshot_seconds: float = 60.0,
) -> Challenge:
    """Return the challenge, building what is missing of it.

    Args:
        engine: Where the trainer runs.
        image: What it runs in.
        plan: What is to be built.
        folder: Where; it may hold what an interrupted build left.
        labels: Of the container.
        reporter: Is told of progress.
        data: What the recipe reads.
        placement: How the container runs.
        snapshot_seconds: How long a training goes on at least between two snapshots, from which an
            interrupted build goes on.

    Raises:
        ConfigurationError: the folder holds something else, the recipe refuses, or a network diverged.
        HostNotReadyError: the container does not see the device.
        SandboxError: the trainer failed; the same command goes on.
    """
    if (folder / DESCRIPTION).is_file():
        found = challenges.load(folder)
        if _is_what_is_wanted(found.description, plan):
            return found
        raise ConfigurationError(
            f"{folder} holds another challenge (its recipe, data, architecture, training, seed, references, "
            "items, limits, feedback, device or visibility differ, or it is an export); choose another "
            "folder, or remove it."
        )
    if folder.exists() and any(entry.name != BUILDING for entry in folder.iterdir()):
        unfinished = (folder / BUILDING).is_dir()
        if not unfinished:
            raise ConfigurationError(f"{folder} is not empty and holds no challenge; choose another folder.")
    site = Site(folder, plan.identity(image), seed=plan.seed, references=plan.references)
    site.open()
    container = engine.start(
        options.trainer(image=image.tag, cpus=float(engine.cores()), labels=dict(labels), placement=placement)
    )
    try:
        channel = Channel(container, from_trainer())
        job = _job(
            site,
            plan,
            files=len(data.files) if data is not None else 0,
            cores=engine.cores(),
            snapshot_seconds=snapshot_seconds,
        )
        _converse(channel, site, plan, job=job, data=data, reporter=reporter)
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
        and found.device == plan.device
        and found.exported_from is None
    )


def _job(site: Site, plan: Plan, *, files: int, cores: int, snapshot_seconds: float) -> TrainerJob:
    source = plan.source
    return TrainerJob(
        recipe=plan.recipe,
        seed=plan.seed,
        forget_fraction=plan.forget_fraction,
        references=plan.references,
        groups_done=site.groups(),
        skip_original=site.has_original(),
        device=source.device or CPU,
        processes=cores,
        data_files=files,
        most_examples=source.most_examples,
        shared_persons=bool(source.shared_persons),
        architecture=source.architecture,
        training=source.training.said() if source.training is not None else {},
        epochs=source.epochs,
        architecture_source=plan.architecture_file.text if plan.architecture_file is not None else None,
        group_size=site.facts().get("group_size") if site.has_original() else None,
        snapshots=site.begun(),
        snapshot_seconds=snapshot_seconds,
    )


def _converse(
    channel: Channel,
    site: Site,
    plan: Plan,
    *,
    job: TrainerJob,
    data: OrganizerData | None,
    reporter: Reporter,
) -> None:
    files = data.files if data is not None else ()
    reporter.step(f"{plan.name}: starting the trainer")
    channel.send("job", job.to_json())
    channel.await_ready()
    for sent, file in enumerate(files):
        reporter.count(f"{plan.name}: sending data", sent, len(files))
        channel.send("data", file.read(), name=file.name)
    if job.snapshots:
        count = len(job.snapshots)
        networks = "1 network" if count == 1 else f"{count} networks or groups of them"
        reporter.step(f"{plan.name}: going on with {networks} that an interrupted build began")
    for first in job.snapshots:
        for piece, last in site.snapshots.pieces(first):
            channel.send("snapshot", piece, first=first, last=last)
    for frame in trainer_frames(
        channel, name=plan.name, reporter=reporter, until="done", refusal="The recipe refuses"
    ):
        _take(frame, site)


def _take(frame: Frame, site: Site) -> None:
    if frame.kind == "file":
        site.take_file(frame.text("name"), frame.payload)
    elif frame.kind == "facts":
        site.take_facts(frame.payload)
    elif frame.kind == "group":
        site.take_group(frame.integer("first"), frame.integer("count"), frame.payload)
    elif frame.kind == "snapshot":
        site.snapshots.take(frame.integer("first"), frame.payload, last=bool(frame.fields["last"]))


def _finish(site: Site, plan: Plan, image: Image, folder: Path) -> Challenge:
    facts = site.facts()
    write_whole(folder / REFERENCES, site.references())
    names = list(FILES)
    if plan.architecture_file is not None:
        write_whole(folder / ARCHITECTURE, plan.architecture_file.data)
        names.append(ARCHITECTURE)
    description = Description(
        schema_version=SCHEMA_VERSION,
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
        device=plan.device,
        references=plan.references,
        reference_group=facts["group_size"],
        image=image.digest,
        limits=plan.limits,
        feedback=plan.feedback,
        training=Training(**facts["training"]),
        class_counts=facts["class_counts"],
        files={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
    )
    write_whole(folder / DESCRIPTION, render(description))
    site.clear()
    return challenges.load(folder)


def default_limits(recipe: str) -> Limits:
    """Return the limits that a recipe's challenge has unless told otherwise."""
    if recipe == EMBEDDED_RECIPE:
        return Limits(wall_seconds=60.0, cpus=2.0, concurrency=2)
    return Limits()
