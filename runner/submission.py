"""A submission as the host sees it: a hash and the bytes of an archive. Never imported.

A folder, or one ``.py`` file, is packed here into a zip archive whose bytes depend on its
content alone. A ``.zip`` is passed on as it is. Either way `runner.archive` has looked at
the bytes: whatever reaches a container is an archive of plain files with plain names. Only a
run, with nothing left to lose, unpacks it.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.archive import MOST_ENTRIES, inspect
from runner.archive_names import ArchiveError
from runner.errors import ConfigurationError
from runner.text import harmless_line

LARGEST_SUBMISSION_BYTES: Final = 100 << 20
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_IGNORED: Final = frozenset({"__pycache__", ".git", ".ipynb_checkpoints", ".DS_Store"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A stranger's code, as bytes."""

    name: str
    sha256: str
    """Of the archive."""
    archive: bytes
    """A zip archive that `runner.archive.inspect` accepts."""


def load(path: Path) -> Submission:
    """Read a submission: a folder, a ``.py`` file or a ``.zip``.

    Raises:
        ConfigurationError: it is not there, cannot be read, is too large or is something else.
    """
    try:
        if path.is_dir():
            archive = _pack(_files_of(path))
        elif not path.exists():
            raise ConfigurationError(
                f"There is no submission at {_shown(path)}; give a folder, a .py file or a .zip."
            )
        elif path.suffix == ".py":
            archive = _pack(iter([("submission.py", path)]))
        elif path.suffix == ".zip":
            archive = _read(path)
        else:
            raise ConfigurationError(f"{_shown(path)} is neither a folder nor a .py file nor a .zip.")
        inspect(archive)
    except OSError as error:
        raise ConfigurationError(f"The submission cannot be read: {error}.") from error
    except UnicodeEncodeError as error:
        raise ConfigurationError("A file of the submission has a name that is not text.") from error
    except ArchiveError as error:
        raise ConfigurationError(f"{_shown(path)} is refused: {error}.") from error
    name = _name(path.resolve())
    name = harmless_line(name.encode(errors="surrogateescape"), 100) or "unnamed"
    return Submission(name=name, sha256=hashlib.sha256(archive).hexdigest(), archive=archive)


def _shown(path: Path) -> str:
    """Return a path as a message may contain it: a stranger has chosen its last parts."""
    return harmless_line(str(path).encode(errors="surrogateescape"), 500)


def _name(path: Path) -> str:
    """Return what a submission is called: after its folder, or its file if that has a name of its own."""
    if path.name == "submission.py":
        return path.parent.name
    return path.stem if path.is_file() else path.name


def _files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name inside the archive and the path of each file, sorted by name."""
    found: list[tuple[str, Path]] = []
    waiting, seen = [folder], 0
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name in _IGNORED:
                    continue
                seen += 1
                if seen > MOST_ENTRIES:
                    raise ConfigurationError(
                        f"{_shown(folder)} has more than {MOST_ENTRIES} files and folders; "
                        "a submission must be smaller."
                    )
                path = Path(entry.path)
                if entry.is_symlink():
                    raise ConfigurationError(f"{_shown(path)} is a link; a submission must be plain files.")
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                else:
                    found.append((path.relative_to(folder).as_posix(), path))
    if "submission.py" not in dict(found):
        raise ConfigurationError(
            f"{_shown(folder)} has no submission.py; a submission must define unlearning() there."
        )
    yield from sorted(found)


def _pack(files: Iterator[tuple[str, Path]]) -> bytes:
    packed = io.BytesIO()
    total = 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files:
            data = _read(path, LARGEST_SUBMISSION_BYTES - total)
            total += len(data)
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return packed.getvalue()


def _read(path: Path, limit: int = LARGEST_SUBMISSION_BYTES) -> bytes:
    """Read a regular file, deciding about its kind and size before its content."""
    if path.is_symlink():
        raise ConfigurationError(f"{_shown(path)} is a link; a submission must be plain files.")
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigurationError(
                f"{_shown(path)} is not a regular file; a submission must be plain files."
            )
        if found.st_size > limit:
            raise ConfigurationError(
                f"The submission is over {LARGEST_SUBMISSION_BYTES >> 20} MiB with {_shown(Path(path.name))}."
            )
        data = file.read(found.st_size + 1)
    if len(data) != found.st_size:
        raise ConfigurationError(f"{_shown(path)} changed while it was read.")
    return data
