"""`unlearn competition final`: queue the entries of a final, and show where they stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from runner.cli.console import print_json, print_note, print_warning, stdout_console
from runner.cli.contest.acts import the_final
from runner.cli.contest.options import CompetitionArgument, PhaseOption, organizer
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.competition.final import Standing
from runner.competition.states import IN_FLIGHT, EntryState
from runner.contest.final import Final as ContestFinal
from runner.contest.opened import open_contest
from runner.reports.cells import figure, plain_text
from runner.reports.columns import REQUIRED, Column, fitted_table
from runner.store.competition.records import CompetitionEntry
from runner.wording import quantity

_DIGITS: Final = 6


def final_command(
    folder: CompetitionArgument,
    phase: PhaseOption = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show which entries would take part as things are; queue nothing."),
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Queue the entries of a final, once teams may no longer choose; then show where they stand.

    `unlearn competition evaluate` evaluates them. Ranks follow from the metric and the rule that
    competition.toml states; they do not consider noise.
    """
    with open_contest(folder, store) as contest:
        final = ContestFinal(contest=contest, phase=the_final(contest, phase))
        if dry_run:
            _show_participants(final.participants(), as_json=as_json)
            return
        if not final.is_queued:
            count = final.queue(who=organizer(), now=datetime.now(UTC))
            print_note(f"{quantity(count, 'evaluation')} queued; next: unlearn competition evaluate {folder}")
        entries = contest.store.competition_entries(contest.name, phase=final.phase.name)
        standings = final.standings()
    waiting = sum(entry.state in IN_FLIGHT or entry.state is EntryState.HELD for entry in entries)
    if as_json:
        print_json(
            {
                "phase": final.phase.name,
                "metric": final.rule.metric,
                "combine": final.rule.combine,
                "weights": final.rule.weights,
                "challenges": list(final.phase.challenges),
                "waiting": waiting,
                "standings": [_as_json(each) for each in standings],
            }
        )
        return
    out = stdout_console()
    out.print(
        f"{contest.name}, {final.phase.name}: {final.rule.metric}, {final.rule.combine}",
        markup=False,
        soft_wrap=True,
    )
    for at, path in enumerate(final.phase.challenges, start=1):
        out.print(f"challenge {at}: {path}", markup=False, soft_wrap=True)
    if standings:
        out.print(fitted_table(_columns(final, standings), out.width))
    out.print(quantity(len(standings), "entry", "entries"))
    if waiting:
        print_warning(f"{quantity(waiting, 'evaluation has', 'evaluations have')} not ended: not final yet")


def _show_participants(entries: list[CompetitionEntry], *, as_json: bool) -> None:
    if as_json:
        print_json({"entries": [entry.to_json() for entry in entries]})
        return
    out = stdout_console()
    columns = [
        Column(title="entry", cells=[str(entry.id) for entry in entries], importance=REQUIRED, right=True),
        Column(title="team", cells=[plain_text(entry.team) for entry in entries], importance=REQUIRED),
        Column(
            title="file",
            cells=[plain_text(entry.file_name) for entry in entries],
            importance=60,
            shrinks_to=15,
        ),
    ]
    if entries:
        out.print(fitted_table(columns, out.width))
    out.print(f"{quantity(len(entries), 'entry', 'entries')} would take part")


def _columns(final: ContestFinal, standings: list[Standing]) -> list[Column]:
    challenges = [
        Column(
            title=f"challenge {at + 1}",
            cells=[figure(each.values[at], _DIGITS) for each in standings],
            importance=60,
            right=True,
        )
        for at in range(len(final.phase.challenges))
    ]
    return [
        Column(
            title="rank",
            cells=["" if each.rank is None else str(each.rank) for each in standings],
            importance=REQUIRED,
            right=True,
        ),
        Column(title="team", cells=[plain_text(each.team) for each in standings], importance=REQUIRED),
        Column(title="entry", cells=[str(each.entry) for each in standings], importance=80, right=True),
        Column(
            title="combined",
            cells=[figure(each.combined, _DIGITS) for each in standings],
            importance=90,
            right=True,
        ),
        *challenges,
    ]


def _as_json(standing: Standing) -> dict[str, object]:
    return {
        "rank": standing.rank,
        "team": standing.team,
        "entry": standing.entry,
        "combined": standing.combined,
        "values": list(standing.values),
    }
