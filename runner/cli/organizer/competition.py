"""`unlearn competition init` and `unlearn competition check`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from runner.cli.console import print_json, print_note, print_warning, stdout_console
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.cli.organizer.host_image import image_remarks
from runner.competition.check import CheckedPhase, check_phases, competition_remarks, require_scores
from runner.competition.competition import Competition
from runner.competition.cost import DayCost, day_cost
from runner.competition.load import load_competition
from runner.competition.new import competition_text, write_competition
from runner.competition.phase import Phase
from runner.competition.times import AOE, local_text
from runner.errors import ConfigurationError
from runner.reports.cells import plain_text
from runner.reports.columns import REQUIRED, Column, fitted_table
from runner.results.view import MIN_SCORED_RUNS
from runner.store.databases.address import has_rows, read_address
from runner.store.open_store import open_store
from runner.submission.pack import display_path
from runner.wording import first_of, quantity

_CHALLENGES_SHOWN: Final = 2

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", readable=False, help="Folder of the competition.")
]


def init_command(
    folder: FolderArgument,
    name: Annotated[str | None, typer.Option(help="Shown to people; the folder's name if left out.")] = None,
    time_zone: Annotated[
        str, typer.Option(help="Of all dates: AoE (anywhere on Earth), UTC, or a name such as Europe/Berlin.")
    ] = AOE,
) -> None:
    """Write a new competition.toml with a practice, a feedback and a final phase, to be edited.

    The dates begin a week from today. The file names three challenges that `unlearn challenge build` has to
    build: challenges/practice with --public, challenges/feedback and challenges/final without.
    """
    text = competition_text(name=name or folder.absolute().name, zone=time_zone, now=datetime.now(UTC))
    file = write_competition(folder, text)
    stdout_console().print(display_path(file), markup=False, soft_wrap=True)
    print_note(f"next: edit it, build its challenges, then: unlearn competition check {display_path(folder)}")


def check_command(
    folder: FolderArgument,
    teams: Annotated[int, typer.Option(help="Teams that the cost of a day is for.", min=1)] = 50,
    devices: Annotated[int, typer.Option(help="Devices that evaluate side by side.", min=1)] = 1,
    seconds_per_run: Annotated[
        float | None,
        typer.Option(
            help="What a run takes, in place of the median of this store's evaluations on the challenge.",
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Check a competition before it opens: its dates, its challenges, and what a day of it costs.

    Every file of every challenge is checked. A fault ends with exit code 2; what is merely unwise is a
    warning, and so is what this host lacks to evaluate entries: engine, or image.
    """
    if seconds_per_run is not None and not 0 < seconds_per_run < float("inf"):
        raise ConfigurationError("--seconds-per-run must be above 0 and finite.")
    competition = load_competition(folder)
    require_scores(competition, MIN_SCORED_RUNS)
    phases = check_phases(folder, competition)
    costs = [
        _cost(checked, seconds_per_run or _measured_seconds(store, checked), teams=teams, devices=devices)
        for checked in phases
    ]
    remarks = list(competition_remarks(competition, phases, datetime.now(UTC)))
    remarks += [
        f"phase {checked.phase.name}: a day of full quotas of {quantity(teams, 'team')} takes "
        f"{cost.hours:.0f} h on {quantity(devices, 'device')}, so the queue would grow"
        for checked, cost in zip(phases, costs, strict=True)
        if cost is not None and not cost.keeps_up
    ]
    remarks += image_remarks(competition)
    if as_json:
        print_json(_as_json(competition, phases, costs, remarks))
        return
    out = stdout_console()
    out.print(f"{competition.name}, {competition.time_zone}", markup=False, soft_wrap=True)
    out.print(fitted_table(_columns(competition, phases, costs, teams), out.width))
    if any(cost is None for cost in costs):
        print_note(
            "a cost of - is not known: the phase has no daily quota, or this store has no evaluation on its "
            "challenge (--seconds-per-run gives the time)"
        )
    for remark in remarks:
        print_warning(remark)
    if (database := _server(store)) is not None:
        out.print(f"rows are in {database}", markup=False, soft_wrap=True)
    out.print(f"{quantity(len(phases), 'phase')} checked, {quantity(len(remarks), 'warning')}")


def _cost(checked: CheckedPhase, seconds: float | None, *, teams: int, devices: int) -> DayCost | None:
    if seconds is None:
        return None
    return day_cost(checked.phase, teams=teams, seconds_per_run=seconds, devices=devices)


def _server(store: Path) -> str | None:
    """Return which PostgreSQL database the store uses; None if it is in SQLite."""
    if read_address(store) is None:
        return None
    with closing(open_store(store, create=False)) as opened:
        return opened.database.description


def _measured_seconds(store: Path, checked: CheckedPhase) -> float | None:
    """Return what a run takes, as the median of the store's complete evaluations; None without any."""
    if not has_rows(store):
        return None
    hashes = {challenge.sha256 for challenge in checked.challenges}
    with closing(open_store(store, create=False)) as opened:
        rates = [
            stored.seconds / stored.n
            for stored in opened.evaluations()
            if stored.challenge_sha256 in hashes and stored.manifest_sha256 is not None and stored.seconds > 0
        ]
    return median(rates) if rates else None


def _columns(
    competition: Competition, phases: Sequence[CheckedPhase], costs: Sequence[DayCost | None], teams: int
) -> list[Column]:
    def texts(values: Sequence[object]) -> list[Text | str]:
        return [plain_text(str(value)) for value in values]

    every = [checked.phase for checked in phases]
    zone = competition.zone
    return [
        Column(title="phase", cells=texts([phase.name for phase in every]), importance=REQUIRED),
        Column(title="kind", cells=texts([phase.kind for phase in every]), importance=60),
        Column(
            title="challenges",
            cells=texts([first_of(phase.challenges, _CHALLENGES_SHOWN) for phase in every]),
            importance=50,
            shrinks_to=20,
        ),
        Column(
            title="opens",
            cells=texts([local_text(competition.opens(phase), zone) for phase in every]),
            importance=90,
        ),
        Column(
            title="closes",
            cells=texts([local_text(competition.closes(phase), zone) for phase in every]),
            importance=90,
        ),
        Column(title="runs", cells=texts([phase.runs for phase in every]), importance=70, right=True),
        Column(title="a day", cells=texts([_per_day(phase) for phase in every]), importance=70, right=True),
        Column(
            title=f"a day of {teams} teams",
            cells=texts([_cost_text(cost) for cost in costs]),
            importance=80,
            right=True,
        ),
    ]


def _per_day(phase: Phase) -> object:
    return "-" if phase.quota.per_day is None else phase.quota.per_day


def _cost_text(cost: DayCost | None) -> str:
    return "-" if cost is None else f"{cost.evaluations} evaluations, {cost.hours:.1f} h"


def _as_json(
    competition: Competition,
    phases: Sequence[CheckedPhase],
    costs: Sequence[DayCost | None],
    remarks: Sequence[str],
) -> dict[str, Any]:
    return {
        "name": competition.name,
        "time_zone": competition.time_zone,
        "phases": [
            {
                "name": checked.phase.name,
                "kind": checked.phase.kind,
                "opens": competition.opens(checked.phase).isoformat(),
                "closes": competition.closes(checked.phase).isoformat(),
                "runs": checked.phase.runs,
                "challenges": [challenge.sha256 for challenge in checked.challenges],
                "day": None if cost is None else asdict(cost),
            }
            for checked, cost in zip(phases, costs, strict=True)
        ],
        "warnings": list(remarks),
    }
