"""`unlearn challenge build` and `unlearn challenge show`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from runner.builder.build import build_challenge
from runner.builder.data_files import gather_data
from runner.builder.download import ARCHIVES, cache_folder, fetch
from runner.builder.lock import build_lock
from runner.builder.plan import ItemFormat, plan_build
from runner.builder.resume import discard_unfinished
from runner.builder.seed import choose_seed, draw_seed
from runner.challenge.architecture import choose_architecture_file
from runner.challenge.challenge import Challenge
from runner.challenge.description import MAX_CONTROLS, Feedback, RunDevice
from runner.challenge.load import load_challenge
from runner.challenge.probes import ProbeChoice
from runner.challenge.reference_accuracy import reference_accuracy
from runner.challenge.training import parse_training_choice
from runner.cli.console import print_json, print_note, stderr_console, stdout_console
from runner.cli.options import DeviceOption, typed_options
from runner.engine.placement import CPU
from runner.execution.host_session import host_session
from runner.progress import ConsoleReporter
from runner.reports.challenges import challenge_remarks, challenge_table, challenge_warnings
from runner.units import KIB, MIB
from sandbox.protocol.presets import QUICK
from sandbox.protocol.recipes import RECIPES


def build_command(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(help=f"Source of the data: {', '.join(RECIPES)}.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", readable=False, help="Folder of the challenge.")],
    data: Annotated[
        Path | None,
        typer.Option(readable=False, help="Your files: a folder or a single file; digits brings its own."),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the data from their home page, for cifar10.")
    ] = False,
    references: Annotated[int, typer.Option(help="Networks retrained without the forget set.", min=2)] = 64,
    seed: Annotated[
        int | None,
        typer.Option(help="Determines splits, weights and run seeds: below 2^40; random if left out.", min=0),
    ] = None,
    forget_fraction: Annotated[
        float, typer.Option(help="Share of the training examples to forget.", min=0.001, max=0.5)
    ] = 0.05,
    items: Annotated[
        ItemFormat,
        typer.Option(help="Form of the items: dict as in the contest, tuple as in its starting kit."),
    ] = "dict",
    wall_seconds: Annotated[float | None, typer.Option(help="Time limit of one run.")] = None,
    wall_fraction: Annotated[
        float | None,
        typer.Option(help="Time limit of one run, as a fraction of the retraining time on the same machine."),
    ] = None,
    total_seconds: Annotated[float | None, typer.Option(help="Time limit of all runs together.")] = None,
    retraining_fraction: Annotated[
        float | None,
        typer.Option(
            help="Fraction of the processor time of retraining above which a submission is flagged as too "
            "slow; 0.2 for trainings of 30 epochs or more if left out, and 0.65 for shorter ones."
        ),
    ] = None,
    concurrency: Annotated[int | None, typer.Option(help="Runs in parallel.")] = None,
    cpus: Annotated[float | None, typer.Option(help="Cores that the runs in progress share.")] = None,
    memory_mib: Annotated[int | None, typer.Option(help="Memory of one run, in MiB.")] = None,
    submission_kib: Annotated[
        int | None,
        typer.Option(
            help="Maximum size of a submission, in KiB; half a checkpoint if left out, and at least 256."
        ),
    ] = None,
    feedback: Annotated[
        Feedback,
        typer.Option(help="What participants are shown of their runs: everything, or the verdict alone."),
    ] = "full",
    public: Annotated[
        bool,
        typer.Option(
            "--public/--private",
            help="What `challenge export` contains: everything, or only what a submission sees.",
        ),
    ] = False,
    controls: Annotated[
        int,
        typer.Option(
            metavar="K",
            help="Hidden control problems, each built like the challenge with a secret seed of its own.",
            min=0,
            max=MAX_CONTROLS,
        ),
    ] = 0,
    limit_examples: Annotated[
        int | None, typer.Option(help="Maximum number of examples, all splits together.", min=100)
    ] = None,
    shared_persons: Annotated[
        bool,
        typer.Option(
            "--shared-persons",
            help="A person may be in several splits, as in the contest, but not in both retain and forget.",
        ),
    ] = False,
    architecture: Annotated[
        str | None,
        typer.Option(
            help="The network, in place of the recipe's: convnet-1, convnet-3 (colour), or any classifier of "
            "torchvision by its name."
        ),
    ] = None,
    architecture_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Your own network: a module that defines build(classes), for containers.",
        ),
    ] = None,
    training: Annotated[
        str,
        typer.Option(help="How networks are trained: quick, contest, starting-kit, or FILE.toml."),
    ] = QUICK,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of training, in place of the number in --training.", min=1)
    ] = None,
    probes: Annotated[
        ProbeChoice,
        typer.Option(
            help="What is recorded of networks besides their outputs: what costs a few forward passes, "
            "also outputs after fine-tuning on retain, or nothing."
        ),
    ] = "cheap",
    mislabelled: Annotated[
        int,
        typer.Option(
            help="Give so many forget examples a wrong label: what is found of them was memorized.", min=0
        ),
    ] = 0,
    device: DeviceOption = CPU,
    runs_on: Annotated[
        RunDevice,
        typer.Option(
            help="The device that runs need; a challenge for cuda is refused where there is no GPU."
        ),
    ] = "cpu",
    snapshot_seconds: Annotated[
        float,
        typer.Option(
            help="Minimum time between two snapshots of a training, from which a build resumes.", min=0
        ),
    ] = 60.0,
    discard: Annotated[
        bool,
        typer.Option(
            "--discard", help="Discard an unfinished build in the folder that differs from this command."
        ),
    ] = False,
    keep_networks: Annotated[
        bool,
        typer.Option(
            "--keep-networks",
            help="Continue an unfinished build under other options that do not change its networks.",
        ),
    ] = False,
    image: Annotated[
        str,
        typer.Option(
            metavar="DIGEST",
            help="Continue a build that another version started; the message that refuses names the image.",
        ),
    ] = "",
) -> None:
    """Build a challenge, or continue one that was interrupted.

    Trains the original network and the references in a sealed container, all in the same way.
    """
    context.with_resource(build_lock(folder))
    plan = plan_build(
        recipe=recipe,
        name=Path(os.path.abspath(folder)).name,  # noqa: PTH100 - resolve() fails in a circle of links
        seed=choose_seed(folder, seed),
        forget_fraction=forget_fraction,
        references=references,
        item_format=items,
        limits={
            "wall_seconds": wall_seconds,
            "wall_fraction": wall_fraction,
            "total_seconds": total_seconds,
            "retraining_fraction": retraining_fraction,
            "concurrency": concurrency,
            "cpus": cpus,
            "memory_bytes": memory_mib * MIB if memory_mib is not None else None,
            "submission_bytes": submission_kib * KIB if submission_kib is not None else None,
        },
        feedback=feedback,
        public=public,
        runs_on=runs_on,
        has_data=data is not None,
        download=download,
        max_examples=limit_examples,
        shared_persons=shared_persons,
        architecture=architecture,
        architecture_file=choose_architecture_file(architecture, architecture_file),
        training=parse_training_choice(training),
        epochs=epochs,
        train_device=device,
        controls=controls,
        probes=probes,
        mislabelled=mislabelled,
    )
    if download:
        data = _download(recipe, name=plan.name)
    files = gather_data(data, recipe) if data is not None else None
    if files is not None:
        plan = plan.with_data(files)
    unread = files.note(recipe) if files is not None else None
    if unread is not None:
        print_note(unread)
    with host_session(ConsoleReporter(stderr_console()), device=device, image=image) as host:
        if discard:
            plan = discard_unfinished(
                folder, plan, host.image, seed=draw_seed() if seed is None else plan.seed
            )
        challenge = build_challenge(
            engine=host.engine,
            image=host.image,
            plan=plan,
            folder=folder,
            labels=host.labels,
            reporter=host.reporter,
            data=files,
            placement=host.placement,
            snapshot_seconds=snapshot_seconds,
            arguments=typed_options(context, leave_out=("seed", "discard", "keep_networks", "image")),
            keep_networks=keep_networks,
            note=print_note,
        )
    _show(challenge)


def _download(recipe: str, *, name: str) -> Path:
    archive = ARCHIVES[recipe]
    with ConsoleReporter(stderr_console()) as reporter:
        reporter.step(f"{name}: downloading {archive.name}, unless the cache has it")
        return fetch(archive, cache_folder())


def show_challenge_command(
    folder: Annotated[
        Path, typer.Argument(metavar="CHALLENGE", readable=False, help="Folder of the challenge.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show a challenge after checking all of its files."""
    challenge = load_challenge(folder)
    if not as_json:
        _show(challenge)
        return
    print_json(
        {
            "sha256": challenge.sha256,
            **challenge.description.model_dump(mode="json"),
            **reference_accuracy(challenge).facts(),
            **challenge.build_facts.model_dump(mode="json", include={"notes", "original_accuracy"}),
            "warnings": challenge_warnings(challenge),
        }
    )


def _show(challenge: Challenge) -> None:
    out = stdout_console()
    out.print(challenge_table(challenge))
    out.print(f"sha256 {challenge.sha256}", soft_wrap=True)  # whole, so that it can be pasted
    for line in challenge_remarks(challenge):
        out.print(line, soft_wrap=True)
