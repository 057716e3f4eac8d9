"""`unlearn serve`: the web service of a competition."""

from __future__ import annotations

import importlib.util
from typing import Annotated

import typer

from runner.cli.console import print_note, print_warning
from runner.cli.contest.options import CompetitionArgument
from runner.cli.options import DEFAULT_STORE, StoreOption
from runner.contest.opened import open_contest
from runner.errors import ConfigurationError


def serve_command(
    folder: CompetitionArgument,
    origin: Annotated[
        str,
        typer.Option(metavar="URL", help="How browsers reach it, such as https://contest.example."),
    ],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 for any that is free.", min=0, max=65535)
    ] = 8000,
    behind_proxy: Annotated[
        bool,
        typer.Option("--behind-proxy", help="A proxy on this machine sets X-Forwarded-For and -Proto."),
    ] = False,
    unsafe_user: Annotated[
        bool,
        typer.Option("--unsafe-user", help="Serve even as root, or as a user who reaches the engine."),
    ] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Serve a competition: teams hand in over the web, and see their entries and the leaderboard.

    Nothing is judged here; that does `unlearn competition evaluate`, as another user. The service listens
    without TLS on this machine; a proxy such as Caddy or nginx speaks TLS before it.
    """
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("fastapi") is None:
        raise ConfigurationError(
            "The web service is not installed; install it with: pip install unlearn[web]"
        )
    from runner.web.context import WebContext  # noqa: PLC0415 - an optional part
    from runner.web.privileges import require_ordinary_user  # noqa: PLC0415 - an optional part
    from runner.web.serve import serve  # noqa: PLC0415 - an optional part
    from runner.web.sessions import load_key  # noqa: PLC0415 - an optional part
    from runner.web.settings import WebSettings, is_local  # noqa: PLC0415 - an optional part

    settings = WebSettings(origin=origin, host=host, port=port, behind_proxy=behind_proxy)
    if unsafe_user:
        print_warning("--unsafe-user: a fault of the web service could reach all of this machine")
    else:
        require_ordinary_user()
    if not is_local(host):
        print_warning(f"{host} is reached from other machines, without TLS; a proxy should be before it")
    with open_contest(folder, store) as contest:
        context = WebContext(contest=contest, settings=settings, key=load_key(store))
        serve(context, ready=lambda address: print_note(f"serving {contest.name} on {address} for {origin}"))
    print_note("the service has ended")
