"""`unlearn clean`: remove leftover containers, evaluations, checkpoints and images."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.console import stdout_console
from runner.cli.options import DEFAULT_STORE, StoreOption
from runner.engine.connect import connect_engine
from runner.engine.session import remove_leftovers
from runner.image.image import remove_superseded_images
from runner.store.open_store import open_store
from runner.store.removal import remove_checkpoints, remove_evaluation
from runner.wording import quantity


def clean_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="EVALUATION...", help="Evaluations to remove, by the beginning of their names."
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints", help="Remove the checkpoints of all evaluated runs.")
    ] = False,
    refused: Annotated[bool, typer.Option("--refused", help="Remove the entries that were refused.")] = False,
    images: Annotated[
        bool, typer.Option("--images", help="Remove images that a newer one has superseded.")
    ] = False,
) -> None:
    """Remove leftover containers, and the evaluations, checkpoints or images that are named.

    Containers and evaluations that a live process uses are never removed.
    """
    out = stdout_console()
    if names or checkpoints or refused:
        opened = open_store(store, create=False)
        for name in names or []:
            evaluation = opened.find(name, by_entry=False)
            remove_evaluation(opened, store, evaluation)
            out.print(f"Removed evaluation {evaluation}.")
        if checkpoints:
            removed = sum(remove_checkpoints(opened, store, stored.id) for stored in opened.evaluations())
            out.print(f"Removed {quantity(removed, 'checkpoint')}.")
        if refused:
            out.print(f"Removed {quantity(opened.remove_refused(), 'refused submission')}.")
    engine = connect_engine()
    if images:
        out.print(f"Removed {quantity(remove_superseded_images(engine), 'superseded image')}.")
    removed = remove_leftovers(engine)
    in_use = len(engine.containers({}))
    out.print(f"Removed {quantity(removed, 'leftover container')}; {in_use} in use.")
