"""`unlearn shell`: Python in the image with what a submission gets, for whoever writes one. Not sealed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from runner.builder.default_challenge import find_default_challenge
from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.cli.console import print_note
from runner.cli.options import PublicDigitsChallengeOption
from runner.engine.connect import connect_engine
from runner.errors import ConfigurationError, HostNotReadyError
from runner.image.image import require_image
from sandbox.protocol.jobs import READERS_GID, ShellJob

_DATA: Final = ("original", "retain", "forget", "val")
"""What a submission may see of a challenge."""
_INPUTS: Final = "/inputs"
_WORK: Final = "/work"
_NOTE: Final = (
    "not sealed: the code has your rights on {folder}, which it sees as /work, and no limits; use it for "
    "your own code only. There is no network, as in a run."
)
_CLIENT_FAILED: Final = 125
"""Exit code of `docker run` where the engine refused, and no code ran."""
_NO_CLIENT: Final = (
    "The program docker was not found; it connects your terminal to the container. Install it."
)


def shell_command(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", readable=False, help="Folder to work in; by default this one."),
    ] = Path(),
    challenge: PublicDigitsChallengeOption = None,
) -> None:
    """Open Python in the image with net, retain, forget and val at hand. Not sealed.

    If stdin is not a terminal, its content is executed as a program.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder.")
    _require_utf8(folder.resolve())
    loaded = load_challenge(challenge) if challenge is not None else find_default_challenge()
    if loaded is None:
        raise ConfigurationError("The public digits are not built yet; run: unlearn setup")
    program = shutil.which("docker")
    if program is None:
        raise HostNotReadyError(_NO_CLIENT)
    engine = connect_engine()
    image = require_image(engine)
    print_note(_NOTE.format(folder=folder.resolve()))
    with tempfile.TemporaryDirectory(prefix="unlearn-shell-") as name:
        inputs = Path(name)
        write_inputs(loaded, inputs)
        command = shell_command_line(
            program,
            address=engine.address,
            image=image.tag,
            inputs=inputs,
            folder=folder.resolve(),
            has_terminal=sys.stdin.isatty() and sys.stdout.isatty(),
        )
        done = subprocess.run(command, check=False)  # noqa: S603 - the engine's client, and paths
    if done.returncode == _CLIENT_FAILED:
        raise HostNotReadyError("The engine has started no container; its message is above.")
    if done.returncode:
        raise typer.Exit(1)


def _require_utf8(folder: Path) -> None:
    """Require that the engine can be told the name of a folder: its client replaces all other bytes.

    Raises:
        ConfigurationError: the name is not UTF-8.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(
            f"{folder} cannot be mounted: its name is not UTF-8. Rename it, or name another folder."
        ) from error


def write_inputs(challenge: Challenge, folder: Path) -> None:
    """Write the public data of a challenge, as `sandbox.shell` reads it."""
    description = challenge.description
    job = ShellJob(
        architecture=description.architecture,
        architecture_source=challenge.architecture_source,
        classes=description.classes,
        item_format=description.item_format,
        batch_size=description.batch_size,
    )
    (folder / "job.json").write_bytes(job.to_json())
    for name in _DATA:
        (folder / name).write_bytes(challenge.data(name))


def shell_command_line(
    program: str, *, address: str, image: str, inputs: Path, folder: Path, has_terminal: bool
) -> Sequence[str]:
    """Return the command line of the engine's client.

    Args:
        program: The client.
        address: Of the engine.
        image: Tag of the image.
        inputs: What `write_inputs` wrote.
        folder: To work in; an absolute path.
        has_terminal: Whether a person types.
    """
    return [
        *(program, "--host", address, "run", "--rm", "--interactive"),
        *(("--tty",) if has_terminal else ()),
        *("--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--user", f"{os.getuid()}:{os.getgid()}", "--group-add", str(READERS_GID)),
        *("--mount", f"type=bind,{_source(inputs)},target={_INPUTS},readonly"),
        *("--mount", f"type=bind,{_source(folder)},target={_WORK}"),
        *("--workdir", _WORK, "--env", "HOME=/tmp", "--env", "PYTHONPATH=/opt/unlearn"),
        *("--env", "PYTHONDONTWRITEBYTECODE=1", "--env", "LANG=C.UTF-8"),
        *(image, "/opt/venv/bin/python", "-m", "sandbox.shell", _INPUTS),
    ]


def _source(folder: Path) -> str:
    """Return the field of a mount that names its source; the client reads fields as those of a CSV file."""
    field = f"source={folder}"
    return '"' + field.replace('"', '""') + '"' if any(letter in field for letter in ',"\n\r') else field
