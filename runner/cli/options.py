"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

DEFAULT_STORE: Final = Path("evaluations")
StoreOption = Annotated[
    Path,
    typer.Option(
        "--store", readable=False, envvar="UNLEARN_STORE", help="Folder where evaluations are stored."
    ),
]
MovedChallengeOption = Annotated[
    Path | None,
    typer.Option("--challenge", "-c", readable=False, help="Folder of the challenge, if it has moved."),
]
