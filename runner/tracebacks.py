"""Save the traceback of an unforeseen error to a file, so that the terminal shows one sentence."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from runner.sanitize import sanitize, sanitize_line

_MESSAGE_CHARACTERS = 200


def save_traceback(error: BaseException) -> str:
    """Save the traceback of an error, and return one sentence that names the error and the file.

    The file is in the user's state folder or, if that cannot be written, in the folder of temporary files.
    """
    text = sanitize_line(str(error), _MESSAGE_CHARACTERS).rstrip(".")
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    content = sanitize(_content(error)).encode()  # a stranger's words may be in it
    for folder in _folders():
        with contextlib.suppress(OSError):
            file = _write(folder, content)
            return f"An unforeseen error ended the command ({what}); its traceback is in {file}"
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    place = f" at {frame[0].filename}:{frame[0].lineno}" if frame else ""
    return f"An unforeseen error ended the command ({what}){place}; its traceback could not be saved."


def _folders() -> Iterator[Path]:
    with contextlib.suppress(
        Exception
    ):  # whatever is wrong with the user's folders is not the error to report
        import platformdirs  # noqa: PLC0415 - slow, and needed here only

        yield Path(platformdirs.user_state_dir("unlearn")) / "tracebacks"
    with contextlib.suppress(OSError):
        yield Path(tempfile.gettempdir())


def _content(error: BaseException) -> str:
    try:
        version = metadata.version("unlearn")
    except metadata.PackageNotFoundError:
        version = "unknown"
    return "\n".join(
        [
            f"unlearn {version}, Python {platform.python_version()}, {platform.platform()}",
            f"command: {sys.argv!r}",
            "",
            "".join(traceback.format_exception(error)),
        ]
    )


def _write(folder: Path, content: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(
        prefix=time.strftime("unlearn-%Y%m%d-%H%M%S-"), suffix=".txt", dir=folder
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - a name as mkstemp gave it
        raise
    return Path(name)
