"""Options that several commands share, and the options of a command as they were typed."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from typer.core import TyperOption

from runner.store import paths

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

DEFAULT_STORE: Final = paths.DEFAULT_STORE
SubmissionsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH...",
        readable=False,
        help="Folders, .py files or .zip files with unlearning().",
        show_default=False,
    ),
]
EvaluationArgument = Annotated[
    str,
    typer.Argument(
        metavar="EVALUATION",
        help="The beginning of its name, a submission's name or path, or `last`.",
    ),
]
StoreOption = Annotated[
    Path,
    typer.Option(
        "--store",
        metavar="DIR|URL",
        readable=False,
        envvar="UNLEARN_STORE",
        help="Folder where evaluations are stored, or the PostgreSQL database that has their rows.",
    ),
]
MovedChallengeOption = Annotated[
    Path | None,
    typer.Option(
        "--challenge",
        "-c",
        metavar="DIR",
        readable=False,
        help="Folder of the challenge, if it has moved.",
    ),
]
PublicDigitsChallengeOption = Annotated[
    Path | None,
    typer.Option(
        "--challenge",
        "-c",
        metavar="DIR",
        envvar="UNLEARN_CHALLENGE",
        readable=False,
        help="Folder of a challenge; by default public digits, which `unlearn setup` builds.",
    ),
]
IsolationOption = Annotated[
    Literal["process", "container"],  # runner.engine.placement.Isolation, whose import takes 5 ms
    typer.Option(help="process: a submission's runs share a container; container: each has its own."),
]
RuntimeOption = Annotated[
    str,
    typer.Option(
        metavar="RUNTIME", help="Container runtime, as the engine knows it: runc, crun, runsc (gVisor)."
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        help="cpu, all, or a GPU as nvidia-smi -L lists them: cuda:NUMBER, cuda:UUID or cuda:MODEL.",
    ),
]
DevicesOption = Annotated[
    str,
    typer.Option(
        "--devices",
        metavar="DEVICES",
        help="Evaluate several submissions at once: all (each GPU), cpu:NUMBER (so many shares of the "
        "cores), cuda:MODEL, or UUID,UUID of GPUs.",
        show_default=False,
    ),
]
ClusterOption = Annotated[
    str,
    typer.Option(
        "--cluster",
        metavar="HOST:PORT",
        help="Execute on the nodes of the Ray cluster with this head, or auto; --devices: of each node.",
        show_default=False,
    ),
]


def typed_options(context: typer.Context, *, leave_out: Collection[str] = ()) -> list[str]:
    """Return the options that were typed, in the order of their declaration; paths are made absolute.

    Args:
        context: Of the command.
        leave_out: Names of parameters that are not returned.
    """
    words: list[str] = []
    for parameter in context.command.params:
        name = parameter.name
        if name not in context.params or name in leave_out or not isinstance(parameter, TyperOption):
            continue  # a value that the command does not get, as that of --quiet, is none of its options
        source = context.get_parameter_source(name)
        if source is None or source.name != "COMMANDLINE":
            continue
        value = context.params[name]
        if isinstance(value, bool):
            words += [(parameter.opts if value else parameter.secondary_opts)[0]]
        else:
            words += [parameter.opts[0], _text(value)]
    return words


def _text(value: object) -> str:
    """Return a value as a word; what names an existing file becomes absolute."""
    text = str(value)
    is_path = isinstance(value, Path) or (text.endswith(".toml") and Path(text).is_file())
    return str(Path(text).absolute()) if is_path else text
