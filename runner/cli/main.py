"""The command `unlearn`: find the command that was typed, run it, turn errors into exit codes.

This is the only place where an error becomes a message and an exit code. Exit code 1 says that a submission
earned no score, so nothing else may end with it: neither an error that nobody foresaw, nor a result that the
terminal cannot show.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NoReturn, cast

from runner.cli.interface.challenge_commands import (
    CHALLENGE_COMMANDS,
    COMPETITION_COMMANDS,
    REJUDGE_COMMANDS,
    TEAM_COMMANDS,
)
from runner.cli.interface.cluster_commands import CLUSTER_COMMANDS
from runner.cli.interface.end_of_file import EndOfFileError
from runner.cli.interface.exit_codes import exit_codes_sentence
from runner.cli.interface.image_commands import IMAGE_COMMANDS
from runner.cli.interface.panels import HIDDEN, PANELS
from runner.cli.interface.screen_size import unset_impossible_sizes
from runner.cli.interface.store_commands import CHECKPOINT_COMMANDS, STORE_COMMANDS
from runner.cli.interface.system import unsupported_sentence
from runner.errors import UNFORESEEN_EXIT_CODE, ConfigurationError, HostNotReadyError, RunnerError

if TYPE_CHECKING:
    from typer.core import TyperGroup

INTERRUPTED: Final = 130
_INTERRUPTED_SENTENCE: Final = "Interrupted; what is finished is stored. Repeat the command to continue."

COMMANDS: Final = {
    "setup": (
        "setup:setup_command",
        "Prepare this host: start a container engine, then build the image.",
    ),
    "new": (
        "participant.new:new_command",
        "Write a new submission that works: its code, a README, and a workflow file for CI.",
    ),
    "check": (
        "participant.check:check_command",
        "Check in seconds whether submissions run, how long they take, and what has to be fixed.",
    ),
    "shell": (
        "participant.shell:shell_command",
        "Open Python in the image with net, retain, forget and val at hand. Not sealed.",
    ),
    "run": ("run:run_command", "Run submissions n times each in sealed containers, and score them."),
    "show": (
        "show:show_command",
        "Show an evaluation: its status, the first failure, problems, and how its runs ended.",
    ),
    "compare": (
        "score:compare_command",
        "Rank evaluations of one challenge; a difference within the noise is a tie.",
    ),
    "leaderboard": (
        "organizer.leaderboard:leaderboard_command",
        "Rank the submissions on a challenge; rows that the noise cannot tell apart share their ranks.",
    ),
    "list": ("list:list_command", "List the evaluations of a store with their scores, the newest first."),
    "report": (
        "participant.report:report_command",
        "Show what the participant may see: the earlier name of `unlearn show --participant`.",
    ),
    "score": (
        "score:score_command",
        "Show the score card: the score, what it is worth, and what others would measure.",
    ),
    "serve": (
        "web.serve:serve_command",
        "Serve a competition: teams hand in over the web, and see their entries and the leaderboard.",
    ),
    "submit": (
        "web.submit:submit_command",
        "Hand a submission in to a competition's server; with --wait, follow it to its result.",
    ),
    "verify": (
        "verify:verify_command",
        "Compute every hash and the score of an evaluation again, and report what does not match.",
    ),
    "clean": (
        "clean:clean_command",
        "Remove leftover containers, and the evaluations, checkpoints or images that are named.",
    ),
    "doctor": (
        "doctor:doctor_command",
        "Check whether this host can run submissions safely and fairly, and list missing guarantees.",
    ),
    "gallery": (
        "gallery:gallery_command",
        "Run the hostile sample submissions and show which of them were contained.",
    ),
}
"""Commands by name: module and function below `runner.cli`, and the first line of its docstring."""


def command_group() -> TyperGroup:
    """Return all commands; none of their modules is imported yet."""
    from typer.main import get_command, get_group  # noqa: PLC0415 - after `main` has disabled the collector

    from runner.cli.interface.help import name_values, read_plainly  # noqa: PLC0415 - imports typer
    from runner.cli.interface.version import root_options  # noqa: PLC0415 - imports typer
    from runner.cli.lazy import LazyCommand, new_typer  # noqa: PLC0415 - imports typer

    def add(group: TyperGroup, commands: dict[str, tuple[str, str]]) -> TyperGroup:
        for name, (target, summary) in commands.items():
            panel = PANELS.get(name) if commands is COMMANDS else None
            command = LazyCommand(name, target=f"runner.cli.{target}", summary=summary, panel=panel)
            command.hidden = commands is COMMANDS and name in HIDDEN
            group.add_command(command)
        return group

    app = new_typer(
        help="Run and judge machine-unlearning submissions in sealed containers.",
        epilog=exit_codes_sentence(),
        no_args_is_help=True,
        add_completion=True,
    )
    app.callback()(root_options)
    group = cast("TyperGroup", get_command(app))
    for parameter in group.params:
        name_values(parameter)
        read_plainly(parameter)
    add(group, COMMANDS)
    for name, text, commands in (
        ("image", "Build, show or transfer the container image.", IMAGE_COMMANDS),
        ("challenge", "Build, show, measure or export a challenge.", CHALLENGE_COMMANDS),
        ("checkpoints", "List, fetch or prune the checkpoints that evaluations kept.", CHECKPOINT_COMMANDS),
        ("cluster", "Show the nodes of a Ray cluster, on which --cluster evaluates.", CLUSTER_COMMANDS),
        (
            "competition",
            "Run a competition: its file, teams, entries, leaderboards and final.",
            COMPETITION_COMMANDS,
        ),
        ("store", "Move the rows of a store to another database.", STORE_COMMANDS),
    ):
        subgroup = add(get_group(new_typer(help=text, no_args_is_help=True)), commands)
        subgroup.name, subgroup.rich_help_panel = name, PANELS[name]
        group.add_command(subgroup, name)
    competition = cast("TyperGroup", group.commands["competition"])
    for name, text, commands in (
        ("team", "Add, list, revoke, merge or delete teams, and their access tokens.", TEAM_COMMANDS),
        ("rejudge", "Judge entries again, beside their results.", REJUDGE_COMMANDS),
    ):
        subgroup = add(get_group(new_typer(help=text, no_args_is_help=True)), commands)
        subgroup.name = name
        competition.add_command(subgroup, name)
    order = {name: at for at, name in enumerate(PANELS)}
    group.commands = dict(sorted(group.commands.items(), key=lambda item: order.get(item[0], len(order))))
    return group


@contextmanager
def _errors_as_exit_codes() -> Iterator[None]:
    """Turn every error into one sentence on stderr and the documented exit code."""
    try:
        yield
    except RunnerError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail(_INTERRUPTED_SENTENCE, INTERRUPTED)
    except SystemExit as ending:
        if ending.code == INTERRUPTED:  # typer has caught the interrupt silently
            _fail(_INTERRUPTED_SENTENCE, INTERRUPTED)
        if isinstance(ending.__context__, BrokenPipeError):  # typer has caught it, and ends with 1
            _discard_output()
            sys.exit(0)
        _flush_output()
        raise
    except BrokenPipeError:
        _discard_output()
        sys.exit(0)
    except OSError as error:
        sentence = f"{error.filename} cannot be used: {error.strerror}." if error.filename else f"{error}."
        _fail(sentence, HostNotReadyError.exit_code)
    except EndOfFileError as error:
        _fail_unforeseen(error.__cause__ or error)
    except Exception as error:  # noqa: BLE001 - the last handler: whatever it is must not end with exit code 1
        _fail_unforeseen(error)


def _fail_unforeseen(error: BaseException) -> NoReturn:
    from runner.tracebacks import save_traceback  # noqa: PLC0415 - needed here only

    _fail(save_traceback(error), UNFORESEEN_EXIT_CODE)


def _fail(sentence: str, code: int) -> NoReturn:
    from runner.cli.console import print_error  # noqa: PLC0415 - imports rich

    with contextlib.suppress(OSError):  # stderr may be full or gone; the exit code is still right
        print_error(sentence)
    _discard_output()
    sys.exit(code)


def _report_thread(ending: threading.ExceptHookArgs) -> None:
    """Save the traceback of an error that ends a thread; the command goes on."""
    from runner.cli.console import print_error  # noqa: PLC0415 - imports rich
    from runner.tracebacks import save_traceback  # noqa: PLC0415 - needed here only

    if ending.exc_value is not None and not isinstance(ending.exc_value, SystemExit):
        with contextlib.suppress(OSError):
            print_error(save_traceback(ending.exc_value))


def _flush_output() -> None:
    """Write what is still buffered; a reader that has gone does not change the exit code."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        _fail(f"The results cannot be written: {error.strerror or error}.", HostNotReadyError.exit_code)


def _discard_output() -> None:
    """Discard what cannot be written: the interpreter would try again, and end with a code of its own."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
            continue
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _accept_any_text() -> None:
    """Replace characters that a terminal cannot show, and write nowhere where stdout or stderr is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - until the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # searching for plugins takes 35 ms
    _accept_any_text()
    if (sentence := unsupported_sentence(os.name)) is not None:
        _fail(sentence, HostNotReadyError.exit_code)
    unset_impossible_sizes()
    threading.excepthook = _report_thread
    signal.signal(signal.SIGTERM, _interrupt)
    gc.disable()  # importing takes a tenth less; a command that is used enables it
    with _errors_as_exit_codes():
        run_words(sys.argv[1:])


def run_words(words: Sequence[str]) -> None:
    """Run the command of these words; end with its exit code unless that is 0.

    Raises:
        SystemExit: the command has another exit code, or its words make no sense.
    """
    from typer.exceptions import TyperException  # noqa: PLC0415 - after `main` has disabled the collector

    try:
        code = command_group().main(list(words), prog_name="unlearn", standalone_mode=False)
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # of a private module; the help was shown
            code = 0
        else:
            from runner.cli.interface.usage import usage_sentence  # noqa: PLC0415 - imports pydantic

            _fail(usage_sentence(error, words), ConfigurationError.exit_code)
    if code:
        sys.exit(code)
    _flush_output()
