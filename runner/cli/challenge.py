"""`unlearn challenge build` and `unlearn challenge show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from runner.builder.build import build_challenge
from runner.builder.data_files import gather_data
from runner.builder.download import ARCHIVES, cache_folder, fetch
from runner.builder.plan import BuildPlan, default_limits
from runner.builder.seed import choose_seed
from runner.challenge.architecture import choose_architecture_file
from runner.challenge.challenge import Challenge
from runner.challenge.description import Feedback, RunDevice, Source
from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.challenge.reference_accuracy import reference_accuracy
from runner.challenge.training import parse_training_choice
from runner.cli.console import print_json, stderr_console, stdout_console
from runner.cli.options import DeviceOption
from runner.engine.client import Engine
from runner.engine.gpu_lock import gpu_lock
from runner.engine.placement import CPU, resolve_placement
from runner.engine.session import container_session
from runner.errors import ConfigurationError
from runner.image.image import require_image
from runner.progress import ConsoleReporter
from runner.reports.challenges import challenge_remarks, challenge_table
from runner.validation import first_problem
from sandbox.protocol.jobs import FILE_ARCHITECTURE
from sandbox.protocol.presets import QUICK
from sandbox.protocol.recipes import EMBEDDED_RECIPE, PERSON_RECIPES, RECIPES


def build_command(
    recipe: Annotated[str, typer.Argument(help=f"Where the data come from: {', '.join(RECIPES)}.")],
    folder: Annotated[Path, typer.Argument(readable=False, help="Where the challenge is to be.")],
    data: Annotated[
        Path | None,
        typer.Option(readable=False, help="Your files, a folder or one file; digits brings its own."),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Fetch the data from their home page, for cifar10.")
    ] = False,
    references: Annotated[int, typer.Option(help="Networks retrained without the forget set.", min=2)] = 64,
    seed: Annotated[
        int | None,
        typer.Option(help="Decides splits, weights and run seeds: below 2^40; drawn if left out.", min=0),
    ] = None,
    forget_fraction: Annotated[
        float, typer.Option(help="Share of the training examples to forget.", min=0.001, max=0.5)
    ] = 0.05,
    items: Annotated[
        Literal["dict", "tuple"],
        typer.Option(help="Form of the items: dict as in the contest, tuple as in its starting kit."),
    ] = "dict",
    wall_seconds: Annotated[float | None, typer.Option(help="Time limit of one run.")] = None,
    wall_fraction: Annotated[
        float | None,
        typer.Option(help="The same as a fraction of retraining, timed on the machine that does the run."),
    ] = None,
    total_seconds: Annotated[float | None, typer.Option(help="Time limit of all runs together.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Runs going on at once.")] = None,
    cpus: Annotated[float | None, typer.Option(help="Cores that the runs share.")] = None,
    memory_mib: Annotated[int | None, typer.Option(help="Memory of one run, in MiB.")] = None,
    feedback: Annotated[
        Feedback, typer.Option(help="What participants are told: everything, or how runs ended alone.")
    ] = "full",
    public: Annotated[
        bool,
        typer.Option(
            "--public/--private",
            help="What `challenge export` gives participants: everything, or what a submission sees.",
        ),
    ] = False,
    limit_examples: Annotated[
        int | None, typer.Option(help="Take at most so many examples, all splits together.", min=100)
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
            readable=False, help="Your own network: a module that defines build(classes), for containers."
        ),
    ] = None,
    training: Annotated[
        str,
        typer.Option(help="How networks are trained: quick, contest, starting-kit, or FILE.toml."),
    ] = QUICK,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of training, whatever --training says.", min=1)
    ] = None,
    device: DeviceOption = CPU,
    runs_on: Annotated[
        RunDevice, typer.Option(help="What runs need: cuda is refused where there is no GPU.")
    ] = "cpu",
    snapshot_seconds: Annotated[
        float,
        typer.Option(help="How long a training goes on between two snapshots, which resuming needs.", min=0),
    ] = 60.0,
) -> None:
    """Build a challenge, or continue one that was interrupted.

    Trains the original network and the references in a sealed container, all in the same way.
    """
    if recipe not in RECIPES:
        raise ConfigurationError(f"There is no recipe {recipe!r}; there are: {', '.join(RECIPES)}.")
    if download and (data is not None or recipe not in ARCHIVES):
        raise ConfigurationError(
            f"--download is for {', '.join(ARCHIVES)}, and in place of --data; give one of the two."
        )
    if not download and (data is None) != (recipe == EMBEDDED_RECIPE):
        raise ConfigurationError(
            f"The recipe {recipe} brings its own data; leave --data out."
            if data is not None
            else f"The recipe {recipe} reads your files; name them with --data."
        )
    if shared_persons and recipe not in PERSON_RECIPES:
        raise ConfigurationError(
            f"--shared-persons is for {' and '.join(PERSON_RECIPES)}: the data of {recipe} name no persons."
        )
    changed = {
        "wall_seconds": wall_seconds,
        "wall_fraction": wall_fraction,
        "total_seconds": total_seconds,
        "concurrency": concurrency,
        "cpus": cpus,
        "memory_bytes": memory_mib << 20 if memory_mib is not None else None,
    }
    if download:
        with ConsoleReporter(stderr_console()) as reporter:
            reporter.step(f"{folder.resolve().name}: downloading {ARCHIVES[recipe].name}, unless it is there")
            data = fetch(ARCHIVES[recipe], cache_folder())
    given = gather_data(data, recipe) if data is not None else None
    own = choose_architecture_file(architecture, architecture_file)
    plan = BuildPlan(
        recipe=recipe,
        name=folder.resolve().name,
        seed=choose_seed(folder, seed),
        forget_fraction=forget_fraction,
        references=references,
        item_format=items,
        limits=_limits(default_limits(recipe), changed),
        feedback=feedback,
        visibility="public" if public else "private",
        device=runs_on,
        source=Source(
            data_sha256=given.sha256 if given is not None else None,
            most_examples=limit_examples,
            shared_persons=shared_persons or None,
            architecture=architecture if own is None else FILE_ARCHITECTURE,
            architecture_sha256=own.sha256 if own is not None else None,
            training=parse_training_choice(training),
            epochs=epochs,
            device=None if device == CPU else "cuda",
        ),
        architecture_file=own,
    )
    engine = Engine()
    placement = resolve_placement(runtime="", device=device, wanted_device=CPU, engine_info=engine.info())
    made = require_image(engine)
    reporter = ConsoleReporter(stderr_console())
    with reporter, container_session(engine) as labels, gpu_lock(device):
        built = build_challenge(
            engine=engine,
            image=made,
            plan=plan,
            folder=folder,
            labels=labels,
            reporter=reporter,
            data=given,
            placement=placement,
            snapshot_seconds=snapshot_seconds,
        )
    _show(built)


def show_challenge_command(
    folder: Annotated[Path, typer.Argument(readable=False, help="Folder of the challenge.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show a challenge after checking every file of it."""
    found = load_challenge(folder)
    if as_json:
        said = found.description.model_dump(mode="json")
        shown = {
            "sha256": found.sha256,
            **said,
            **reference_accuracy(found).facts(),
            "warnings": found.warnings,
        }
        print_json(shown)
    else:
        _show(found)


def _show(challenge: Challenge) -> None:
    out = stdout_console()
    out.print(challenge_table(challenge))
    for line in challenge_remarks(challenge):
        out.print(line)


def _limits(defaults: Limits, changed: dict[str, Any]) -> Limits:
    try:
        return defaults.with_changes(**{name: value for name, value in changed.items() if value is not None})
    except ValidationError as error:
        raise ConfigurationError(f"{first_problem(error, root='limits')}.") from error
