"""`unlearn competition rejudge start`, `show`, `apply` and `cancel`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from runner.cli.console import print_json, print_note, stdout_console
from runner.cli.contest.options import CompetitionArgument, ReasonOption, organizer, stored_number
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.contest.opened import open_contest
from runner.contest.rejudging.review import Rejudged, rejudged, require_no_final, selected_entries
from runner.reports.cells import figure, plain_text
from runner.reports.columns import REQUIRED, Column, fitted_table
from runner.store.competition.records import Act
from runner.wording import quantity

_DIGITS: Final = 6
BatchArgument = Annotated[
    int,
    typer.Argument(
        metavar="NUMBER",
        help="Number of the rejudging, as `start` prints it.",
        min=1,
        callback=stored_number,
    ),
]


def start_command(
    folder: CompetitionArgument,
    phase: Annotated[str, typer.Option("--phase", metavar="PHASE", help="Name of the phase.")],
    reason: ReasonOption,
    entries: Annotated[
        list[int] | None,
        typer.Argument(metavar="ENTRY...", help="Numbers of entries; without any, all that have ended."),
    ] = None,
    rescore: Annotated[
        bool,
        typer.Option(
            "--rescore/--rerun",
            help="Compute scores and score cards again from stored outputs, without containers; or execute.",
        ),
    ] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Queue entries once more beside their results, which count until the rejudging is applied.

    With --rerun, an evaluation is executed again where its challenge, image, runs, isolation, runtime or
    device are no longer what they were. With --rescore nothing is executed, and no verdict of a run changes:
    for another version of the scorer, or other references of the challenge.
    """
    with open_contest(folder, store) as contest:
        judged = contest.phase(phase)
        numbers = selected_entries(contest, judged, entries or [], rescore=rescore, note=print_note)
        act = Act(
            who=organizer(),
            act="rejudge start",
            subject="",
            reason=f"{'rescore' if rescore else 'rerun'}: {reason}",
        )
        batch = contest.store.begin_rejudging(
            contest.name, numbers, act=act, challenge=judged.challenges[0], rescore=rescore
        )
    stdout_console().print(f"Rejudging {batch}: {quantity(len(numbers), 'entry', 'entries')} queued.")
    print_note(f"next: unlearn competition evaluate {folder}, then: rejudge show {folder} {batch}")


def show_command(
    folder: CompetitionArgument,
    number: BatchArgument,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Show the results of a rejudging beside the old ones."""
    with open_contest(folder, store) as contest:
        pairs = rejudged(contest, number)
    if as_json:
        print_json({"rejudging": number, "entries": [_as_json(pair) for pair in pairs]})
        return
    out = stdout_console()
    out.print(fitted_table(_columns(pairs), out.width))
    count = quantity(len(pairs), "entry", "entries")
    if any(pair.new.rescores is not None for pair in pairs):
        out.print(f"{count}, scored again from stored outputs")
    else:
        same = sum(pair.is_same_evaluation for pair in pairs)
        out.print(f"{count}, {same} of them with the same evaluation as before")


def apply_command(
    folder: CompetitionArgument,
    number: BatchArgument,
    reason: ReasonOption,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Let the results of a rejudging count, all of them; the old entries are superseded."""
    with open_contest(folder, store) as contest:
        phase = contest.store.rejudging(contest.name, number)[0][0].phase
        require_no_final(contest, contest.phase(phase))
        act = Act(who=organizer(), act="rejudge apply", subject="", reason=reason)
        count = contest.store.apply_rejudging(contest.name, number, act=act)
    counting = quantity(count, "new result counts", "new results count")
    stdout_console().print(f"Rejudging {number}: {counting}.")


def cancel_rejudging_command(
    folder: CompetitionArgument,
    number: BatchArgument,
    reason: ReasonOption,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Drop the results of a rejudging, all of them; the old ones count as before."""
    with open_contest(folder, store) as contest:
        act = Act(who=organizer(), act="rejudge cancel", subject="", reason=reason)
        contest.store.cancel_rejudging(contest.name, number, act=act)
    stdout_console().print(f"Rejudging {number} is cancelled.")


def _columns(pairs: Sequence[Rejudged]) -> list[Column]:
    return [
        Column(title="entry", cells=[str(pair.old.id) for pair in pairs], importance=REQUIRED, right=True),
        Column(title="again", cells=[str(pair.new.id) for pair in pairs], importance=80, right=True),
        Column(title="team", cells=[plain_text(pair.old.team) for pair in pairs], importance=REQUIRED),
        Column(title="was", cells=[str(pair.old.state) for pair in pairs], importance=70),
        Column(title="is", cells=[str(pair.new.state) for pair in pairs], importance=90),
        Column(
            title="score before",
            cells=[figure(pair.old_score, _DIGITS) for pair in pairs],
            importance=85,
            right=True,
        ),
        Column(
            title="score",
            cells=[figure(pair.new_score, _DIGITS) for pair in pairs],
            importance=95,
            right=True,
        ),
        Column(
            title="flags", cells=[plain_text(_flags(pair)) for pair in pairs], importance=60, shrinks_to=15
        ),
    ]


def _flags(pair: Rejudged) -> str:
    """Return what was raised and what no longer is, such as ``+mixture -too-close``."""
    return " ".join([*(f"+{flag}" for flag in pair.raised), *(f"-{flag}" for flag in pair.dropped)])


def _as_json(pair: Rejudged) -> dict[str, Any]:
    return {
        "old": pair.old.to_json(),
        "new": pair.new.to_json(),
        "old_score": pair.old_score,
        "new_score": pair.new_score,
        "same_evaluation": pair.is_same_evaluation,
        "flags_raised": list(pair.raised),
        "flags_dropped": list(pair.dropped),
    }
