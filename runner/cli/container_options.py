"""Options about containers that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.engine.placement import Isolation

IsolationOption = Annotated[
    Isolation,
    typer.Option(help="process: a submission's runs share a container; container: each has its own."),
]
RuntimeOption = Annotated[
    str, typer.Option(help="Container runtime, as the engine knows it: runc, crun, runsc (gVisor).")
]
DeviceOption = Annotated[
    str, typer.Option(help="cpu, all, or cuda:UUID of a GPU as nvidia-smi -L prints it.")
]
