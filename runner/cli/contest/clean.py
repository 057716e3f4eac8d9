"""`unlearn competition clean`: remove files of ended entries that are past their days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from runner.cli.console import print_json, print_note, print_warning, stderr_console, stdout_console
from runner.cli.contest.options import CompetitionArgument, organizer
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.competition.retention import KINDS
from runner.contest.opened import open_contest
from runner.contest.retention import CleaningPlan, Expired, clean, cleaning_plan
from runner.progress import ConsoleReporter
from runner.reports.cells import plain_text
from runner.reports.columns import REQUIRED, Column, fitted_table
from runner.units import size_text
from runner.wording import quantity


def clean_competition_command(
    folder: CompetitionArgument,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed; remove nothing.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Remove archives, outputs and checkpoints of ended entries that are past the days of `retention`.

    Rows, score cards, manifests, logs and the audit stay. So do the files of entries that are the best of
    their team, were chosen, are in a final, were disqualified, or were judged again.
    """
    with open_contest(folder, store) as contest:
        now = datetime.now(UTC)
        plan = cleaning_plan(contest, now)
        busy: list[Expired] = []
        if not dry_run:
            with ConsoleReporter(stderr_console()) as reporter:
                busy = clean(contest, plan, reporter, who=organizer(), now=now)
        retention = contest.competition.retention
    if as_json:
        print_json({"dry_run": dry_run, **_as_json(plan, busy)})
        return
    out = stdout_console()
    groups = _groups(plan.expired)
    if groups:
        out.print(fitted_table(_columns(groups), out.width))
    size = size_text(sum(each.bytes for each in plan.expired if each not in busy))
    out.print(f"{size} {'would be' if dry_run else 'were'} freed" if plan.expired else "nothing to remove")
    for reason, number in sorted(plan.still_needed.items()):
        print_note(f"kept though past its days: {quantity(number, 'entry', 'entries')}, {reason}")
    if all(getattr(retention, f"{kind}_days") is None for kind in KINDS):
        print_note("competition.toml has no retention, so everything is kept")
    if busy:
        print_warning(f"{quantity(len(busy), 'evaluation is', 'evaluations are')} in use; repeat the command")


def _groups(expired: Sequence[Expired]) -> list[tuple[str, str, list[Expired]]]:
    """Return what is removed by kind and phase."""
    keys = dict.fromkeys((each.kind, each.phase) for each in expired)
    return [
        (kind, phase, [each for each in expired if (each.kind, each.phase) == (kind, phase)])
        for kind, phase in keys
    ]


def _columns(groups: Sequence[tuple[str, str, list[Expired]]]) -> list[Column]:
    def numbers(values: Sequence[int]) -> list[str]:
        return [str(value) for value in values]

    entries = [len({number for each in rows for number in each.entries}) for _kind, _phase, rows in groups]
    files = [sum(len(each.files) for each in rows) for _kind, _phase, rows in groups]
    sizes = [size_text(sum(each.bytes for each in rows)) for _kind, _phase, rows in groups]
    return [
        Column(title="what", cells=[kind for kind, _phase, _rows in groups], importance=REQUIRED),
        Column(title="phase", cells=[plain_text(phase) for _kind, phase, _rows in groups], importance=80),
        Column(title="entries", cells=numbers(entries), importance=70, right=True),
        Column(title="files", cells=numbers(files), importance=60, right=True),
        Column(title="size", cells=sizes, importance=REQUIRED, right=True),
    ]


def _as_json(plan: CleaningPlan, busy: Sequence[Expired]) -> dict[str, object]:
    return {
        "expired": [
            {
                "kind": each.kind,
                "phase": each.phase,
                "entries": list(each.entries),
                "evaluation": each.evaluation,
                "files": len(each.files),
                "bytes": each.bytes,
                "in_use": each in busy,
            }
            for each in plan.expired
        ],
        "kept": dict(plan.still_needed),
    }
