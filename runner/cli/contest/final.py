"""`unlearn competition final`: queue the entries of a final, and show where they stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from runner.cli.console import print_json, print_note, print_warning, stderr_console, stdout_console
from runner.cli.contest.acts import the_final
from runner.cli.contest.options import CompetitionArgument, PhaseOption, organizer, reason_text
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.contest.final import Final as ContestFinal
from runner.contest.finals.publication import hide as hide_results
from runner.contest.finals.publication import is_published, waiting
from runner.contest.finals.publication import publish as publish_results
from runner.contest.finals.results import final_results
from runner.contest.opened import open_contest
from runner.contest.service.publishing import Publisher
from runner.errors import ConfigurationError
from runner.leaderboard.final_model import FinalResults
from runner.leaderboard.final_page import behind_text, combined_text, rule_text
from runner.leaderboard.lines import ranks_text
from runner.progress import ConsoleReporter
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
    publish: Annotated[
        bool, typer.Option("--publish", help="Let everybody see the results, with what they rest on.")
    ] = False,
    hide: Annotated[bool, typer.Option("--hide", help="Let nobody see them any more.")] = False,
    reason: Annotated[
        str | None,
        typer.Option(help="Why they are published or hidden; stored in the audit.", callback=reason_text),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Queue the entries of a final, once teams may no longer choose; then show where they stand.

    `unlearn competition evaluate` evaluates them. The order follows from the metric and the rule that
    competition.toml states; entries that noise does not tell apart share their ranks, as on leaderboards.
    """
    if dry_run + publish + hide > 1:
        raise ConfigurationError("Give one of --dry-run, --publish and --hide.")
    if reason is None and (publish or hide):
        raise ConfigurationError("Say why with --reason; the audit keeps it.")
    with open_contest(folder, store) as contest:
        final = ContestFinal(contest=contest, phase=the_final(contest, phase))
        if dry_run:
            _show_participants(final.participants(), as_json=as_json)
            return
        if publish or hide:
            _publish_or_hide(final, publish=publish, reason=reason or "")
            return
        if not final.is_queued:
            count = final.queue(who=organizer(), now=datetime.now(UTC))
            print_note(f"{quantity(count, 'evaluation')} queued; next: unlearn competition evaluate {folder}")
        with ConsoleReporter(stderr_console()) as reporter:
            results = final_results(final, reporter)
        left = waiting(final)
        published = is_published(final)
    if as_json:
        print_json({**_as_json(final, results), "waiting": left, "published": published})
        return
    out = stdout_console()
    out.print(f"{contest.name}, {final.phase.name}: {rule_text(results)}", markup=False, soft_wrap=True)
    for at, path in enumerate(final.phase.challenges, start=1):
        out.print(f"challenge {at}: {path}", markup=False, soft_wrap=True)
    if results.rows:
        out.print(fitted_table(_columns(results), out.width))
    out.print(quantity(len(results.rows), "entry", "entries"))
    for remark in results.remarks:
        print_note(remark)
    if published:
        print_note("these results are published")
    if left:
        print_warning(f"{quantity(left, 'evaluation has', 'evaluations have')} not ended: not final yet")


def _publish_or_hide(final: ContestFinal, *, publish: bool, reason: str) -> None:
    act = publish_results if publish else hide_results
    act(final, who=organizer(), reason=reason)
    with ConsoleReporter(stderr_console()) as reporter:
        Publisher(contest=final.contest, reporter=reporter, report=print_warning).publish()
    state = "published" if publish else "hidden"
    stdout_console().print(f"The results of {final.phase.name} are {state}.", markup=False, soft_wrap=True)
    if publish:
        print_note("as static pages: unlearn competition publish")


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


def _columns(results: FinalResults) -> list[Column]:
    rows = results.rows
    challenges = [
        Column(
            title=f"challenge {at + 1}",
            cells=[figure(each.values[at], _DIGITS) for each in rows],
            importance=60,
            right=True,
        )
        for at in range(len(results.challenges))
    ]
    return [
        Column(
            title="rank",
            cells=[ranks_text(each.first_rank, each.last_rank) for each in rows],
            importance=REQUIRED,
            right=True,
        ),
        Column(title="team", cells=[plain_text(each.team) for each in rows], importance=REQUIRED),
        Column(title="entry", cells=[str(each.entry) for each in rows], importance=80, right=True),
        Column(title="combined", cells=[combined_text(each) for each in rows], importance=90, right=True),
        Column(
            title="behind the first", cells=[behind_text(each) for each in rows], importance=70, right=True
        ),
        *challenges,
    ]


def _as_json(final: ContestFinal, results: FinalResults) -> dict[str, object]:
    values = results.model_dump(mode="json", exclude={"rows", "challenges", "competition"})
    return {
        **values,
        "challenges": list(final.phase.challenges),
        "challenge_hashes": [each.sha256 for each in results.challenges],
        "standings": [each.model_dump(mode="json") for each in results.rows],
    }
