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
from runner import cli_verify, evaluation, image, report, scorecard, setup, setup_runtimes, submission
from runner.capacity import require_memory
from runner.cli_challenge import build_command, show_challenge_command
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
from runner.placement import CPU, place
from runner.progress import ConsoleReporter
from runner.removal import remove, remove_checkpoints
from runner.session import remove_leftovers, session
from runner.settings import MOST_RUNS, Bench, Settings
from runner.several import one_after_another
from runner.store import Store
from runner.text import harmless

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
challenge_app.command("build")(build_command)
challenge_app.command("show")(show_challenge_command)
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


@app.command("run")
def run_command(
    submissions: Annotated[
        list[Path],
        typer.Argument(
            readable=False, help="Folders, .py files or .zip files with unlearning().", show_default=False
        ),
    ],
    challenge: Annotated[
        Path, typer.Option("--challenge", "-c", readable=False, help="Folder of the challenge.")
    ],
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
    info = engine.info()
    require_memory(problem.description.limits, info)
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
            engine_info=info,
        ),
    )
    made = image.require(engine)
    kept = Store.in_folder(store, create=True)
    with ConsoleReporter(_err) as reporter, session(engine) as labels, hold(device):
        bench = Bench(engine=engine, image=made, store=kept, folder=store, labels=labels, reporter=reporter)
        ended = one_after_another(
            loaded, lambda one: evaluation.evaluate(bench, one, problem, settings), _complain
        )
    if ended.summaries:
        _show_summaries(ended.summaries, store, as_json=as_json)
    if ended.lost is not None:
        raise typer.Exit(ended.lost.exit_code)
    if not all(map(scorecard.is_in_order, ended.summaries)):
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


def _show_summaries(summaries: list[dict[str, Any]], store: Path, *, as_json: bool) -> None:
    if as_json:
        for summary in summaries:
            _print_json(summary)
        return
    _out.print(report.score_table(summaries, _out.width))
    for line in report.remarks(summaries):
        _out.print(line)
    _out.print(f"Kept in {store}; more with: unlearn show EVALUATION", markup=False, soft_wrap=True)


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
        told = f"{error.filename} cannot be used: {error.strerror}." if error.filename else f"{error}."
        _fail(told, HostNotReadyError.exit_code)


def _fail(sentence: str, code: int) -> NoReturn:
    _complain(sentence)
    sys.exit(code)


def _complain(sentence: str) -> None:
    _err.print(f"unlearn: {harmless(sentence)}", markup=False, soft_wrap=True, style="red")


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command."""
    signal.signal(signal.SIGTERM, _interrupt)
    with _sentences():
        app(standalone_mode=True)


if __name__ == "__main__":
    main()
