"""The command `unlearn`: reads what was typed, calls, shows, and picks the exit code.

The only place where an error becomes a sentence and a number.
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from runner import challenge as challenges
from runner import (
    challenge_build,
    cli_verify,
    evaluation,
    image,
    report,
    scorecard,
    setup,
    setup_runtimes,
    submission,
)
from runner.challenge import Challenge, Feedback, Source
from runner.challenge_build import Plan, default_limits
from runner.challenge_data import gather
from runner.cli_doctor import doctor_command
from runner.cli_export import export_command
from runner.cli_gallery import gallery_command
from runner.cli_measure import measure_command
from runner.cli_options import DEFAULT_STORE, DeviceOption, IsolationOption, RuntimeOption, StoreOption
from runner.cli_report import report_command
from runner.cli_score import score_command
from runner.devices import hold
from runner.engine import Engine
from runner.errors import ConfigurationError, HostNotReadyError, RunnerError
from runner.limits import Limits
from runner.placement import CPU, place
from runner.progress import ConsoleReporter
from runner.removal import remove, remove_checkpoints
from runner.session import remove_leftovers, session
from runner.settings import MOST_RUNS, Bench, Settings
from runner.store import Store
from runner.text import harmless
from sandbox.jobs import EMBEDDED_RECIPE, RECIPES

INTERRUPTED: Final = 130
_INTERRUPTED_SENTENCE: Final = "Interrupted; what was finished is kept. Repeat the command to go on."

_EPILOG: Final = (
    "Exit codes: 0 every submission was scored (judged, where a challenge came without references); "
    "1 a submission earned no score; 2 wrong usage; "
    "3 this host is not ready; 4 the sandbox was lost; 130 interrupted (repeat the command to go on)."
)

app = typer.Typer(
    help="Run and judge machine-unlearning submissions in sealed containers.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
image_app = typer.Typer(help="The container image: build it, show it.", no_args_is_help=True)
challenge_app = typer.Typer(help="Challenges: build, show, export one.", no_args_is_help=True)
app.add_typer(image_app, name="image")
app.add_typer(challenge_app, name="challenge")
app.command("report")(report_command)
app.command("score")(score_command)
challenge_app.command("measure")(measure_command)
challenge_app.command("export")(export_command)
app.command("doctor")(doctor_command)
app.command("gallery")(gallery_command)

_WIDE: Final = 160
_out = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
_err = Console(stderr=True, highlight=False)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("setup")
def setup_command(
    runtimes: Annotated[
        list[str] | None, typer.Option("--runtime", help="Also make a runtime known: runsc (gVisor), crun.")
    ] = None,
) -> None:
    """Make this host ready: a container engine that answers, then the image."""
    with ConsoleReporter(_err) as reporter:
        made = setup.make_ready(reporter)
        for runtime in runtimes or []:
            setup_runtimes.add_runtime(runtime, reporter)
    _out.print(f"Ready: {made.tag}")


@image_app.command("build")
def image_build() -> None:
    """Build the image if its inputs have changed; do nothing otherwise."""
    engine = Engine()
    with ConsoleReporter(_err) as reporter:
        made = image.build(engine, reporter)
    _out.print(f"{made.tag} ({made.identity})")


@image_app.command("show")
def image_show(as_json: JsonOption = False) -> None:
    """Show which image would be used, and of what it was made."""
    engine = Engine()
    found = image.require(engine)
    facts = engine.image_facts(found.tag)
    shown = {
        "tag": found.tag,
        "inputs": found.digest,
        "identity": found.identity,
        "base": facts["labels"].get(image.BASE_LABEL, "?"),
        "created": facts["created"],
        "size_bytes": facts["size_bytes"],
    }
    _show_facts(shown, as_json=as_json)


@challenge_app.command("build")
def challenge_build_command(
    recipe: Annotated[str, typer.Argument(help=f"Where the data come from: {', '.join(RECIPES)}.")],
    folder: Annotated[Path, typer.Argument(help="Where the challenge is to be.")],
    data: Annotated[
        Path | None, typer.Option(help="Your files, a folder or one file; digits brings its own.")
    ] = None,
    references: Annotated[int, typer.Option(help="Networks retrained without the forget set.", min=2)] = 64,
    seed: Annotated[int, typer.Option(help="Decides splits, weights and run seeds.", min=0)] = 0,
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
    architecture: Annotated[
        str | None,
        typer.Option(help="The network, in place of the recipe's: convnet-1, convnet-3 (colour), resnet18."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of training, in place of the recipe's.", min=1)
    ] = None,
) -> None:
    """Build a challenge, or go on with one that was interrupted.

    Trains the original network and the references in a sealed container.
    """
    if recipe not in RECIPES:
        raise ConfigurationError(f"There is no recipe {recipe!r}; there are: {', '.join(RECIPES)}.")
    if (data is None) != (recipe == EMBEDDED_RECIPE):
        raise ConfigurationError(
            f"The recipe {recipe} brings its own data; leave --data out."
            if data is not None
            else f"The recipe {recipe} reads your files; name them with --data."
        )
    if seed >= 1 << 40:
        raise ConfigurationError("The seed must be below 2^40.")
    changed = {
        "wall_seconds": wall_seconds,
        "wall_fraction": wall_fraction,
        "total_seconds": total_seconds,
        "concurrency": concurrency,
        "cpus": cpus,
        "memory_bytes": memory_mib << 20 if memory_mib is not None else None,
    }
    given = gather(data) if data is not None else None
    plan = Plan(
        recipe=recipe,
        name=folder.resolve().name,
        seed=seed,
        forget_fraction=forget_fraction,
        references=references,
        item_format=items,
        limits=_limits(default_limits(recipe), changed),
        feedback=feedback,
        visibility="public" if public else "private",
        source=Source(
            data_sha256=given.sha256 if given is not None else None,
            most_examples=limit_examples,
            architecture=architecture,
            epochs=epochs,
        ),
    )
    engine = Engine()
    made = image.require(engine)
    with ConsoleReporter(_err) as reporter, session(engine) as labels:
        built = challenge_build.build(
            engine=engine, image=made, plan=plan, folder=folder, labels=labels, reporter=reporter, data=given
        )
    _show_challenge(built)


@challenge_app.command("show")
def challenge_show(
    folder: Annotated[Path, typer.Argument(help="Folder of the challenge.")], as_json: JsonOption = False
) -> None:
    """Show a challenge after checking every file of it."""
    found = challenges.load(folder)
    if as_json:
        said = found.description.model_dump(mode="json")
        _print_json({"sha256": found.sha256, **said, "warnings": found.warnings})
    else:
        _show_challenge(found)


@app.command("run")
def run_command(
    submissions: Annotated[
        list[Path],
        typer.Argument(help="Folders, .py files or .zip files with unlearning().", show_default=False),
    ],
    challenge: Annotated[Path, typer.Option("--challenge", "-c", help="Folder of the challenge.")],
    n: Annotated[int, typer.Option("-n", help="Runs of each submission, each with its own seed.")] = 64,
    store: StoreOption = DEFAULT_STORE,
    keep_checkpoints: Annotated[
        Literal["all", "none"], typer.Option(help="What becomes of checkpoints once they are evaluated.")
    ] = "none",
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Do all runs, even after one has failed.")
    ] = False,
    isolation: IsolationOption = "process",
    runtime: RuntimeOption = "",
    device: DeviceOption = CPU,
    as_json: JsonOption = False,
) -> None:
    """Run submissions n times each in sealed containers, and score them.

    What is finished is kept: interrupt it, type it again, and only the rest is done.
    """
    if not 2 <= n <= MOST_RUNS:
        raise ConfigurationError(f"-n must be from 2 to {MOST_RUNS}, not {n}; a score compares populations.")
    problem = challenges.load(challenge)
    loaded = [submission.load(path) for path in submissions]
    engine = Engine()
    settings = Settings(
        n=n,
        keep_going=keep_going,
        keep_checkpoints=keep_checkpoints == "all",
        isolation=isolation,
        device=device,
        placement=place(
            runtime=runtime,
            device=device,
            wanted_device=problem.description.device,
            engine_info=engine.info(),
        ),
    )
    made = image.require(engine)
    kept = Store.in_folder(store, create=True)
    with ConsoleReporter(_err) as reporter, session(engine) as labels, hold(device):
        bench = Bench(engine=engine, image=made, store=kept, folder=store, labels=labels, reporter=reporter)
        summaries = [evaluation.evaluate(bench, one, problem, settings) for one in loaded]
    _show_summaries(summaries, store, as_json=as_json)
    if not all(map(scorecard.is_in_order, summaries)):
        raise typer.Exit(1)


@app.command("show")
def show_command(
    name: Annotated[str, typer.Argument(help="An evaluation, by the beginning of its name.")],
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Show an evaluation and how each of its runs ended."""
    kept = Store.in_folder(store, create=False)
    found = kept.find(name)
    summary, runs = kept.summary(found), [asdict(run) for run in kept.runs(found)]
    if as_json:
        terms = kept.all_terms(found)
        _print_json({"evaluation": found, "summary": summary, "terms": terms, "runs": runs})
        return
    _out.print(report.runs_table(runs))
    for one in kept.all_terms(found):
        _out.print(report.terms_line(one))
    if summary is None:
        _out.print("Not finished; repeat the command that began it.")
    else:
        _show_summaries([summary], store, as_json=False)
    logs = store / found / "logs"
    if logs.is_dir():
        _out.print(f"What the runs printed: {logs}", markup=False, soft_wrap=True)


@app.command("list")
def list_command(store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """List all evaluations of a store with their scores."""
    found = Store.in_folder(store, create=False).evaluations()
    if as_json:
        for one in found:
            _print_json({**one, "begun": one["begun"].isoformat()})
        return
    ended = [one["summary"] for one in found if one["summary"] is not None]
    _out.print(report.score_table(ended, _out.width))
    for line in report.remarks(ended):
        _out.print(line)
    for one in found:
        if one["summary"] is None:
            _out.print(report.plain(f"{one['submission']}: not finished ({one['evaluation']})"))


app.command("verify")(cli_verify.verify_command)


@app.command("clean")
def clean_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Evaluations to remove, by the beginning of their names.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints", help="Remove the checkpoints of all evaluated runs.")
    ] = False,
    images: Annotated[
        bool, typer.Option("--images", help="Remove images that a newer one has superseded.")
    ] = False,
) -> None:
    """Remove containers that dead processes left, and whatever else is named.

    Containers and evaluations of processes that are at work are never touched.
    """
    if names or checkpoints:
        kept = Store.in_folder(store, create=False)
        for name in names or []:
            found = kept.find(name)
            remove(kept, store, found)
            _out.print(f"Removed evaluation {found}.")
        if checkpoints:
            removed = sum(remove_checkpoints(kept, store, one["evaluation"]) for one in kept.evaluations())
            _out.print(f"Removed {removed} checkpoints.")
    engine = Engine()
    if images:
        _out.print(f"Removed {image.remove_superseded(engine)} superseded images.")
    removed = remove_leftovers(engine)
    at_work = len(engine.containers({}))
    _out.print(f"Removed {removed} leftover containers; {at_work} are at work.")


def _limits(defaults: Limits, changed: dict[str, Any]) -> Limits:
    from pydantic import ValidationError  # noqa: PLC0415 - for this one except clause

    values = {name: value for name, value in changed.items() if value is not None}
    kept = defaults.model_dump()
    if "wall_fraction" in values:
        del kept["wall_seconds"]  # the default gives way; a second one that was typed is an error
    try:
        return Limits.model_validate({**kept, **values})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "limits"
        said = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{where}: {said}.") from error


def _show_summaries(summaries: list[dict[str, Any]], store: Path, *, as_json: bool) -> None:
    if as_json:
        for summary in summaries:
            _print_json(summary)
        return
    _out.print(report.score_table(summaries, _out.width))
    for line in report.remarks(summaries):
        _out.print(line)
    _out.print(f"Kept in {store}; more with: unlearn show EVALUATION", markup=False, soft_wrap=True)


def _show_challenge(found: Challenge) -> None:
    _out.print(report.challenge_table(found))
    for line in report.challenge_remarks(found):
        _out.print(line)


def _show_facts(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        _print_json(facts)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        table.add_row(name, report.plain(value))
    _out.print(table)


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn our errors into one sentence on stderr and the documented exit code."""
    try:
        yield
    except RunnerError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail(_INTERRUPTED_SENTENCE, INTERRUPTED)
    except SystemExit as ending:
        if ending.code == INTERRUPTED:  # typer has caught the interrupt, without a word
            _fail(_INTERRUPTED_SENTENCE, INTERRUPTED)
        raise
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        _fail(f"{error}.", HostNotReadyError.exit_code)


def _fail(sentence: str, code: int) -> NoReturn:
    _err.print(f"unlearn: {harmless(sentence)}", markup=False, soft_wrap=True, style="red")
    sys.exit(code)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command."""
    signal.signal(signal.SIGTERM, _interrupt)
    with _sentences():
        app(standalone_mode=True)


if __name__ == "__main__":
    main()
