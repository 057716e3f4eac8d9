"""Build a challenge in a trainer container, or resume a build that was interrupted.

While a build is in progress, ``.building/`` holds what is finished, and the same command resumes
from there. ``challenge.toml`` is written last, so a folder that has one is a complete challenge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from runner.builder.build_folder import BuildFolder
from runner.builder.controls import build_controls, with_controls
from runner.builder.data_files import OrganizerData
from runner.builder.plan import BuildPlan, matches_plan
from runner.builder.remarks import early_remarks, remarks_on_plan
from runner.builder.resume import require_resumable
from runner.challenge.build_facts import BuildFacts
from runner.challenge.challenge import Challenge
from runner.challenge.description import (
    SCHEMA_VERSION,
    Description,
    render_description,
)
from runner.challenge.layout import (
    ARCHITECTURE_FILE,
    BUILD_FACTS_FILE,
    CHALLENGE_FILES,
    DESCRIPTION_FILE,
    ORIGINAL_FILE,
    PROBES_FILE,
    REFERENCES_FILE,
)
from runner.challenge.load import load_challenge
from runner.challenge.training import Training
from runner.clients.trainer import TrainerSession
from runner.engine.api import Engine
from runner.engine.container_spec import trainer_container
from runner.engine.placement import CPU, DEFAULT_PLACEMENT, Placement
from runner.errors import ConfigurationError
from runner.files import hash_file, write_atomic
from runner.image.challenge_image import config_by_platform
from runner.image.image import Image
from runner.progress import Reporter
from runner.wording import quantity
from sandbox.protocol.frames import Frame
from sandbox.protocol.jobs import TrainerJob


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
    arguments: Sequence[str] = (),
    keep_networks: bool = False,
    note: Callable[[str], None] = lambda _sentence: None,
    check_data: Callable[[], None] = lambda: None,
) -> Challenge:
    """Return the challenge in ``folder``, building what is missing.

    Args:
        engine: Where the trainer runs.
        image: The image of the trainer container.
        plan: What is to be built.
        folder: Folder of the challenge; it may hold an interrupted build.
        labels: Labels of the container.
        reporter: Receives progress.
        data: The organizer's files, unless the recipe brings its own.
        placement: Runtime and device of the container.
        snapshot_seconds: Minimum time between two snapshots of a training, from which an
            interrupted build resumes.
        arguments: Options that were typed, for the command that goes on with the build.
        keep_networks: Whether an unfinished build may get settings that do not change its networks.
        note: Receives a sentence for each remark on the plan, the data and the original network, as soon as
            it is known; `runner.reports.challenges` has those of a complete challenge.
        check_data: Called when the splits are there, before references are trained.

    Raises:
        ConfigurationError: the folder holds something else, or an unfinished build with other inputs; the
            recipe rejects its data, or a network diverged.
        HostNotReadyError: the container cannot use the device.
        SandboxError: the trainer failed; the same command resumes the build.
    """
    build_control = partial(
        build_challenge,
        engine=engine,
        image=image,
        labels=labels,
        reporter=reporter,
        data=data,
        placement=placement,
        snapshot_seconds=snapshot_seconds,
        keep_networks=keep_networks,
    )
    if (folder / DESCRIPTION_FILE).is_file():
        challenge = load_challenge(folder)
        if matches_plan(challenge.description, plan, checkpoint_bytes=_checkpoint_bytes(folder)):
            return with_controls(challenge, plan, build_control, image=image, note=note)
        raise ConfigurationError(
            f"{folder} holds another challenge (its recipe, data, architecture, training, seed, references, "
            "items, limits, feedback, device, visibility or controls differ, or it is an export); choose "
            "another folder, or remove it."
        )
    require_resumable(folder, plan, image, engine=engine, keep_networks=keep_networks)
    build_folder = BuildFolder(
        folder,
        plan.record(image),
        seed=plan.seed,
        references=plan.references,
        probes=plan.probe_settings(),
        arguments=arguments,
    )
    build_folder.open()
    info = engine.info()
    for sentence in remarks_on_plan(plan, info):
        note(sentence)
    cores = info.cores
    session = TrainerSession(
        engine=engine,
        spec=trainer_container(image=image.tag, cpus=float(cores), labels=dict(labels), placement=placement),
        name=plan.name,
        reporter=reporter,
        refusal="The recipe refuses",
    )
    job = _job(build_folder, plan, data=data, cores=cores, snapshot_seconds=snapshot_seconds)
    reporter.step(f"{plan.name}: starting the trainer")
    with session as trainer:
        trainer.begin(job)
        _send_data(trainer, data, name=plan.name, reporter=reporter)
        _send_snapshots(trainer, job.snapshots, build_folder, name=plan.name, reporter=reporter)
        for frame in trainer.frames(until="done"):
            _add(frame, build_folder)
            if frame.kind == "facts":
                check_data()
                for sentence in early_remarks(build_folder, plan):
                    note(sentence)
    controls = build_controls(plan, folder, build_control)
    return _finish(build_folder, plan, image, folder, data, controls=controls)


def _job(
    build_folder: BuildFolder,
    plan: BuildPlan,
    *,
    data: OrganizerData | None,
    cores: int,
    snapshot_seconds: float,
) -> TrainerJob:
    source, probes = plan.source, plan.probe_settings()
    return TrainerJob(
        recipe=plan.recipe,
        seed=plan.seed,
        forget_fraction=plan.forget_fraction,
        references=plan.references,
        groups_done=build_folder.groups(),
        skip_original=build_folder.has_original(),
        device=source.device or CPU,
        processes=cores,
        data_files=len(data.files) if data is not None else 0,
        most_examples=source.most_examples,
        shared_persons=bool(source.shared_persons),
        architecture=source.architecture,
        training=source.training.chosen_fields() if source.training is not None else {},
        epochs=source.epochs,
        architecture_source=plan.architecture_file.text if plan.architecture_file is not None else None,
        group_size=build_folder.facts().get("group_size") if build_folder.has_original() else None,
        snapshots=build_folder.resumable(),
        snapshot_seconds=snapshot_seconds,
        probes=probes.job_fields() if probes is not None else None,
        mislabelled=source.mislabelled,
    )


def _send_data(trainer: TrainerSession, data: OrganizerData | None, *, name: str, reporter: Reporter) -> None:
    files = data.files if data is not None else ()
    for number, file in enumerate(files):
        reporter.count(f"{name}: sending data", number, len(files))
        trainer.send("data", file.read(), name=file.name)


def _send_snapshots(
    trainer: TrainerSession,
    snapshots: list[int],
    build_folder: BuildFolder,
    *,
    name: str,
    reporter: Reporter,
) -> None:
    if snapshots:
        count = len(snapshots)
        networks = quantity(count, "network", "networks or groups of them")
        reporter.step(f"{name}: resuming {networks} from an interrupted build")
    for first in snapshots:
        for piece, last in build_folder.snapshots.pieces(first):
            trainer.send("snapshot", piece, first=first, last=last)


def _add(frame: Frame, build_folder: BuildFolder) -> None:
    """Store what a frame of the trainer holds."""
    if frame.kind == "file":
        build_folder.add_file(frame.text("name"), frame.payload)
    elif frame.kind == "original":
        build_folder.add_original_outputs(frame.payload)
    elif frame.kind == "facts":
        build_folder.add_facts(frame.payload)
    elif frame.kind == "group":
        build_folder.add_group(frame.integer("first"), frame.integer("count"), frame.payload)
    elif frame.kind == "snapshot":
        build_folder.snapshots.add(frame.integer("first"), frame.payload, last=bool(frame.fields["last"]))


def _finish(
    build_folder: BuildFolder,
    plan: BuildPlan,
    image: Image,
    folder: Path,
    data: OrganizerData | None,
    *,
    controls: list[str] | None,
) -> Challenge:
    """Write the references and the description, which makes the challenge complete."""
    facts = build_folder.facts()
    write_atomic(folder / REFERENCES_FILE, build_folder.references())
    file_note = data.note(plan.recipe) if data is not None else None
    write_atomic(folder / BUILD_FACTS_FILE, BuildFacts.of_trainer(facts, file_note=file_note).to_bytes())
    names = list(CHALLENGE_FILES)
    probes = build_folder.probe_settings()
    if probes is not None:
        write_atomic(folder / PROBES_FILE, build_folder.reference_probes())
        names.append(PROBES_FILE)
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
        class_names=facts.get("class_names"),
        item_format=plan.item_format,
        batch_size=facts["batch_size"],
        device=plan.device,
        references=plan.references,
        reference_group=facts["group_size"],
        image=image.digest,
        image_config=config_by_platform(image),
        limits=plan.limits.with_default_submission_bytes(
            _checkpoint_bytes(folder)
        ).with_default_retraining_fraction(facts["training"]["epochs"]),
        feedback=plan.feedback,
        training=Training(**facts["training"]),
        probes=probes,
        class_counts=facts["class_counts"],
        files={name: hash_file(folder / name) for name in names},
        controls=controls,
    )
    write_atomic(folder / DESCRIPTION_FILE, render_description(description))
    build_folder.clear()
    return load_challenge(folder)


def _checkpoint_bytes(folder: Path) -> int:
    return (folder / ORIGINAL_FILE).stat().st_size
