"""Files that appear whole or not at all, owned by whoever runs the command."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from runner.errors import HostNotReadyError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it into it.

    Raises:
        HostNotReadyError: it cannot be written (no space, no permission); nothing is left behind.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with open(fd, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise HostNotReadyError(f"{path} cannot be written: {error.strerror or error}.") from error
