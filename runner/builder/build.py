"""Building a challenge: what the trainer sends becomes files, whole or not at all.

While it goes on, ``.building/`` holds what is finished; the same command goes on from
there. ``challenge.toml`` is written last, so a folder with one is a whole challenge.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from runner.builder.build_folder import BUILD_FOLDER, BuildFolder
from runner.builder.data_files import OrganizerData
from runner.builder.plan import BuildPlan, matches_plan
from runner.challenge.challenge import Challenge
from runner.challenge.description import (
    SCHEMA_VERSION,
    Description,
    render_description,
)
from runner.challenge.layout import ARCHITECTURE_FILE, CHALLENGE_FILES, DESCRIPTION_FILE, REFERENCES_FILE
from runner.challenge.load import load_challenge
from runner.challenge.training import Training
from runner.clients.channel import Channel
from runner.clients.trainer import trainer_frames
from runner.engine.client import Engine
from runner.engine.container_spec import trainer_container
from runner.engine.placement import CPU, DEFAULT_PLACEMENT, Placement
from runner.errors import ConfigurationError
from runner.files import hash_file, write_atomic
from runner.image.image import Image
from runner.progress import Reporter
from sandbox.protocol.frames import Frame
from sandbox.protocol.jobs import TrainerJob
from sandbox.protocol.messages import from_trainer


def build_challenge(
    *,
    engine: Engine,
    image: Image,
    plan: BuildPlan,
    folder: Path,
    labels: Mapping[str, str],
    reporter: Reporter,
    data: OrganizerData | None = None,
    placement: Placement = DEFAULT_PLACEMENT,
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
    if (folder / DESCRIPTION_FILE).is_file():
        found = load_challenge(folder)
        if matches_plan(found.description, plan):
            return found
        raise ConfigurationError(
            f"{folder} holds another challenge (its recipe, data, architecture, training, seed, references, "
            "items, limits, feedback, device or visibility differ, or it is an export); choose another "
            "folder, or remove it."
        )
    if folder.exists() and any(entry.name != BUILD_FOLDER for entry in folder.iterdir()):
        unfinished = (folder / BUILD_FOLDER).is_dir()
        if not unfinished:
            raise ConfigurationError(f"{folder} is not empty and holds no challenge; choose another folder.")
    site = BuildFolder(folder, plan.identity(image), seed=plan.seed, references=plan.references)
    site.open()
    container = engine.start(
        trainer_container(
            image=image.tag, cpus=float(engine.cores()), labels=dict(labels), placement=placement
        )
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


def _job(
    site: BuildFolder, plan: BuildPlan, *, files: int, cores: int, snapshot_seconds: float
) -> TrainerJob:
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
    site: BuildFolder,
    plan: BuildPlan,
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


def _take(frame: Frame, site: BuildFolder) -> None:
    if frame.kind == "file":
        site.take_file(frame.text("name"), frame.payload)
    elif frame.kind == "facts":
        site.take_facts(frame.payload)
    elif frame.kind == "group":
        site.take_group(frame.integer("first"), frame.integer("count"), frame.payload)
    elif frame.kind == "snapshot":
        site.snapshots.take(frame.integer("first"), frame.payload, last=bool(frame.fields["last"]))


def _finish(site: BuildFolder, plan: BuildPlan, image: Image, folder: Path) -> Challenge:
    facts = site.facts()
    write_atomic(folder / REFERENCES_FILE, site.references())
    names = list(CHALLENGE_FILES)
    if plan.architecture_file is not None:
        write_atomic(folder / ARCHITECTURE_FILE, plan.architecture_file.data)
        names.append(ARCHITECTURE_FILE)
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
        files={name: hash_file(folder / name) for name in names},
    )
    write_atomic(folder / DESCRIPTION_FILE, render_description(description))
    site.clear()
    return load_challenge(folder)
