"""`unlearn competition team token`, `tokens` and `revoke-token`: access to the web service."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from runner.cli.console import print_json, print_note, stdout_console
from runner.cli.contest.options import (
    CompetitionArgument,
    ReasonOption,
    organizer,
    stored_number,
    team_name,
)
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.competition.scopes import TEAM_SCOPES, Scope, require_scopes
from runner.competition.times import local_text, moment
from runner.contest.opened import OpenContest, open_contest
from runner.errors import ConfigurationError
from runner.reports.cells import plain_text
from runner.reports.columns import REQUIRED, Column, fitted_table
from runner.store.competition.records import Act, Token
from runner.wording import quantity

TOKEN_BYTES: Final = 32


def _team(text: str | None) -> str | None:
    return None if text is None else team_name(text)


def token_command(
    folder: CompetitionArgument,
    team: Annotated[
        str | None,
        typer.Argument(metavar="TEAM", help="Whose it is; none for an organizer's.", callback=_team),
    ] = None,
    scopes: Annotated[
        list[Scope] | None,
        typer.Option(
            "--scope",
            help="What it is good for, repeatable: of a team read, submit; without one organizer, metrics.",
        ),
    ] = None,
    expires: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"],
            help="When it ends, in the competition's time zone.",
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Print a new access token for the web service, which is stored nowhere; a team may have several."""
    chosen = frozenset(scopes or (TEAM_SCOPES if team is not None else ()))
    try:
        require_scopes(chosen, of_team=team is not None)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with open_contest(folder, store) as contest:
        ends = None if expires is None else _moment(contest, expires)
        stored = contest.store.add_token(
            contest.name,
            team,
            sha256=hashlib.sha256(token.encode()).hexdigest(),
            scopes=chosen,
            expires=ends,
            act=Act(
                who=organizer(), act="token", subject=team or "organizers", reason=", ".join(sorted(chosen))
            ),
        )
        until = "" if ends is None else f" until {local_text(ends, contest.competition.zone)}"
    stdout_console().print(token, markup=False, soft_wrap=True)
    whose = f"of team {team}" if team is not None else "that belongs to no team"
    print_note(f"token {stored.id} {whose}, for {', '.join(sorted(chosen))}{until}; it is not shown again")


def tokens_command(
    folder: CompetitionArgument, store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False
) -> None:
    """List the access tokens of all teams and of organizers; the tokens themselves are not stored."""
    with open_contest(folder, store) as contest:
        tokens, zone = contest.store.tokens(contest.name), contest.competition.zone
    if as_json:
        print_json({"tokens": [_as_json(token) for token in tokens]})
        return
    out = stdout_console()

    def times(values: list[datetime | None]) -> list[str]:
        return ["" if value is None else local_text(value, zone) for value in values]

    columns = [
        Column(title="token", cells=[str(each.id) for each in tokens], importance=REQUIRED, right=True),
        Column(title="team", cells=[plain_text(each.team or "-") for each in tokens], importance=REQUIRED),
        Column(title="for", cells=[", ".join(sorted(each.scopes)) for each in tokens], importance=80),
        Column(title="added", cells=times([each.created for each in tokens]), importance=50),
        Column(title="expires", cells=times([each.expires for each in tokens]), importance=60),
        Column(title="revoked", cells=times([each.revoked for each in tokens]), importance=70),
    ]
    if tokens:
        out.print(fitted_table(columns, out.width))
    out.print(quantity(len(tokens), "token"))


def revoke_token_command(
    folder: CompetitionArgument,
    token: Annotated[
        int,
        typer.Argument(
            metavar="NUMBER", help="Its number, as `tokens` lists it.", min=1, callback=stored_number
        ),
    ],
    reason: ReasonOption,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """End an access token, and with it all sessions of browsers that it began."""
    with open_contest(folder, store) as contest:
        act = Act(who=organizer(), act="token revoke", subject=f"token {token}", reason=reason)
        contest.store.revoke_token(contest.name, token, act=act)
    stdout_console().print(f"Token {token} is revoked.", markup=False, soft_wrap=True)


def _moment(contest: OpenContest, local: datetime) -> datetime:
    try:
        ends = moment(local, contest.competition.zone)
    except ValueError as error:
        raise ConfigurationError(f"--expires: {error}.") from error
    if ends <= datetime.now(UTC):
        raise ConfigurationError("--expires is in the past.")
    return ends


def _as_json(token: Token) -> dict[str, object]:
    return {
        "token": token.id,
        "team": token.team,
        "scopes": sorted(token.scopes),
        "created": token.created.isoformat(),
        "expires": None if token.expires is None else token.expires.isoformat(),
        "revoked": None if token.revoked is None else token.revoked.isoformat(),
    }
