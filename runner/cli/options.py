"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

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
IsolationOption = Annotated[
    Literal[
        "process", "container"
    ],  # runner.engine.placement.Isolation; importing it costs every command 5 ms
    typer.Option(help="process: a submission's runs share a container; container: each has its own."),
]
RuntimeOption = Annotated[
    str, typer.Option(help="Container runtime, as the engine knows it: runc, crun, runsc (gVisor).")
]
DeviceOption = Annotated[
    str, typer.Option(help="cpu, all, or cuda:UUID of a GPU as nvidia-smi -L prints it.")
]
