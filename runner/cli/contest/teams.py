"""`unlearn competition team add`, `list`, `revoke`, `merge` and `delete`."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Final

import typer

from runner.cli.console import print_json, print_note, stdout_console
from runner.cli.contest.options import CompetitionArgument, ReasonOption, organizer, team_name
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.competition.times import local_text
from runner.contest.opened import open_contest
from runner.reports.cells import plain_text
from runner.reports.columns import REQUIRED, Column, fitted_table
from runner.store.competition.records import Act, Team
from runner.store.competition.team_changes import TeamChange
from runner.wording import quantity

_TOKEN_BYTES: Final = 32

TeamArgument = Annotated[
    str, typer.Argument(metavar="TEAM", help="Its name, and that of its folder.", callback=team_name)
]


def add_command(folder: CompetitionArgument, team: TeamArgument, store: StoreOption = DEFAULT_STORE) -> None:
    """Add a team, and print its access token, which is stored nowhere.

    The token identifies the team to the web service (`unlearn serve`); `sync` goes by folders. Further ones,
    with an end or for reading only: `unlearn competition team token`.
    """
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with open_contest(folder, store) as contest:
        digest = hashlib.sha256(token.encode()).hexdigest()
        contest.store.add_team(contest.name, team, token_sha256=digest, who=organizer())
    stdout_console().print(token, markup=False, soft_wrap=True)
    print_note(f"the token of team {team}; it is not shown again")


def list_command(
    folder: CompetitionArgument, store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False
) -> None:
    """List the teams of a competition."""
    with open_contest(folder, store) as contest:
        teams, zone = contest.store.teams(contest.name), contest.competition.zone
    if as_json:
        print_json(
            {
                "teams": [
                    {
                        "name": team.name,
                        "created": team.created.isoformat(),
                        "has_token": team.has_token,
                        "revoked": None if team.revoked is None else team.revoked.isoformat(),
                        "merged_into": team.merged_into,
                        "deleted": None if team.deleted is None else team.deleted.isoformat(),
                    }
                    for team in teams
                ]
            }
        )
        return
    out = stdout_console()
    columns = [
        Column(title="team", cells=[plain_text(team.name) for team in teams], importance=REQUIRED),
        Column(title="added", cells=[local_text(team.created, zone) for team in teams], importance=50),
        Column(
            title="revoked",
            cells=["" if team.revoked is None else local_text(team.revoked, zone) for team in teams],
            importance=60,
        ),
        Column(title="", cells=[plain_text(_end(team)) for team in teams], importance=70),
    ]
    if teams:
        out.print(fitted_table(columns, out.width))
    out.print(quantity(len(teams), "team"))


def revoke_command(
    folder: CompetitionArgument, team: TeamArgument, reason: ReasonOption, store: StoreOption = DEFAULT_STORE
) -> None:
    """Take nothing more from a team; its entries stay, and no final takes them."""
    with open_contest(folder, store) as contest:
        act = Act(who=organizer(), act="team revoke", subject=team, reason=reason)
        contest.store.revoke_team(contest.name, team, act=act)
    _print(f"Team {team} is revoked.")


def merge_command(
    folder: CompetitionArgument,
    team: TeamArgument,
    into: Annotated[
        str, typer.Option("--into", metavar="TEAM", help="The team that goes on.", callback=team_name)
    ],
    reason: ReasonOption,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Give all entries of a team to another, with their quota and results; the team itself ends.

    Its tokens end, and with them all sessions of browsers. Its choice for a final counts where the other has
    made none. This cannot be undone.
    """
    with open_contest(folder, store) as contest:
        act = Act(who=organizer(), act="team merge", subject=team, reason=reason)
        change = contest.store.merge_team(contest.name, team, into, act=act)
    _print(f"Team {team} is merged into {into}, which has {_entries(change)} more.")
    _note_choices(change)


def delete_command(
    folder: CompetitionArgument, team: TeamArgument, reason: ReasonOption, store: StoreOption = DEFAULT_STORE
) -> None:
    """Withdraw all entries of a team and end its tokens; its name stays taken, and the audit is kept.

    Its sessions of browsers end, and its choices for finals are dropped. This cannot be undone.
    """
    with open_contest(folder, store) as contest:
        act = Act(who=organizer(), act="team delete", subject=team, reason=reason)
        change = contest.store.delete_team(contest.name, team, act=act)
    _print(f"Team {team} is deleted, and {_entries(change)} withdrawn.")
    _note_choices(change)


def _entries(change: TeamChange) -> str:
    return quantity(len(change.entries), "entry", "entries")


def _note_choices(change: TeamChange) -> None:
    for final in change.choices:
        print_note(f"what it had chosen for {final} is dropped")


def _end(team: Team) -> str:
    if team.merged_into is not None:
        return f"merged into {team.merged_into}"
    return "deleted" if team.deleted is not None else ""


def _print(line: str) -> None:
    stdout_console().print(line, markup=False, soft_wrap=True)
