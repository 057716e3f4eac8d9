"""Load a submission: the host only ever has the bytes of its archive and their hash, and imports nothing.

A folder, or a single ``.py`` file, is packed into a zip archive whose bytes depend on its content alone. A
``.zip`` is passed on as it is. `runner.parsers.zip_archive` checks the bytes in either case: only
archives of ordinary files with ordinary names reach a container; if an archive is ordinary and has another
layout than the plain one, it is written anew, and those bytes are the submission. There a run unpacks them,
after it has given up its privileges.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.errors import ConfigurationError
from runner.parsers.binary_files import BinaryFile, binary_files
from runner.parsers.entry_file import ENTRY_FILE, missing_entry_file
from runner.parsers.zip_archive import MAX_ENTRIES, inspect_archive
from runner.parsers.zip_names import ArchiveError, compose_names
from runner.sanitize import sanitize_line
from runner.submission.kinds import other_kind
from runner.submission.pack import ChangedFileError, display_path, pack_paths, read_submission_file
from sandbox.protocol.clutter import is_clutter

_REASON_CHARACTERS: Final = 1000
_IGNORED: Final = frozenset({"__pycache__", ".git", ".ipynb_checkpoints"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A participant's code, untrusted, as bytes."""

    name: str
    sha256: str
    """Of the archive."""
    archive: bytes
    """A zip archive that `runner.parsers.zip_archive.inspect_archive` accepts."""
    binary_files: tuple[BinaryFile, ...] = ()
    """Its files that are not text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSubmission:
    """A participant's files that are no submission: the outcome of this submission, not an error of ours."""

    name: str
    reason: str
    """A sentence that names the file."""
    sha256: str | None = None
    """Of the file, if it is one that can be read."""
    unreadable: bool = False
    """Whether the reason is that it could not be read, which may be a fault of this host."""


def require_existing(paths: Sequence[Path]) -> None:
    """Require that something exists at each path.

    Raises:
        ConfigurationError: nothing exists at some of them; all are named.
    """
    missing = [display_path(path) for path in paths if _is_missing(path)]
    if missing:
        raise ConfigurationError(
            f"No submission exists at {', '.join(missing)}; name a folder, a .py file or a .zip."
        )


def read_submission(path: Path) -> Submission | RefusedSubmission:
    """Return the submission at a path, or why what is there is none.

    Raises:
        ConfigurationError: nothing exists there.
    """
    require_existing([path])
    try:
        return load_submission(path)
    except ConfigurationError as error:
        return RefusedSubmission(
            name=_display_name(path),
            reason=sanitize_line(str(error), _REASON_CHARACTERS),
            sha256=_file_sha256(path),
            unreadable=isinstance(error.__cause__, OSError) or isinstance(error, ChangedFileError),
        )


def load_submission(path: Path) -> Submission:
    """Read a submission: a folder, a ``.py`` file or a ``.zip``.

    Raises:
        ConfigurationError: it does not exist, cannot be read, is too large or is of another kind.
    """
    try:
        if path.is_dir():
            archive = pack_paths(_files_of(path))
        elif not path.exists():
            raise ConfigurationError(
                f"No submission exists at {display_path(path)}; name a folder, a .py file or a .zip."
            )
        elif path.suffix.lower() == ".py":
            archive = pack_paths(iter([(ENTRY_FILE, path)]))
        elif path.suffix.lower() == ".zip":
            archive = read_submission_file(path)
        else:
            raise ConfigurationError(f"{display_path(path)} is {other_kind(path.name)}.")
        contents = inspect_archive(archive)
    except OSError as error:
        raise ConfigurationError(f"The submission cannot be read: {error}.") from error
    except UnicodeEncodeError as error:
        raise ConfigurationError("A file of the submission has a name that is not text.") from error
    except ArchiveError as error:
        raise ConfigurationError(f"{display_path(path)} is refused: {error}.") from error
    return Submission(
        name=_display_name(path),
        sha256=hashlib.sha256(contents.archive).hexdigest(),
        archive=contents.archive,
        binary_files=binary_files(contents.entries),
    )


def entry_path(path: Path) -> Path | None:
    """Return the file in which a submission begins: of a folder its ``submission.py``; None without any."""
    try:
        return next((file for file in (path, path / ENTRY_FILE) if file.is_file()), None)
    except OSError:
        return None


def _file_sha256(path: Path) -> str | None:
    """Return the hash of a refused file; None if it is a folder, too large or unreadable."""
    try:
        return hashlib.sha256(read_submission_file(path)).hexdigest()
    except (ConfigurationError, OSError):
        return None


def _is_missing(path: Path) -> bool:
    try:
        path.lstat()  # a link that leads nowhere is there, and refused as what it is
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # it may exist, where this user may not look
        return False
    return False


def _display_name(path: Path) -> str:
    """Return a submission's name, sanitized: as its path was typed, wherever links lead."""
    name = _name(Path(os.path.abspath(path)))  # noqa: PTH100 - resolve() follows links, and fails in a circle of them
    return sanitize_line(name.encode(errors="surrogateescape"), 100) or "unnamed"


def _name(path: Path) -> str:
    """Return a submission's name: its folder's, or its file's if that is not ``submission.py``."""
    if path.name.lower() == ENTRY_FILE:
        return path.parent.name
    is_file = os.path.isfile(path)  # noqa: PTH113 - `Path.is_file` raises where a user may not look, or a name is too long
    return path.stem if is_file else path.name


def _files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name inside the archive and the path of each file, sorted by name."""
    files: list[tuple[str, Path]] = []
    folders, count = [folder], 0
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name in _IGNORED or is_clutter(entry.name):
                    continue
                count += 1
                if count > MAX_ENTRIES:
                    raise ConfigurationError(
                        f"{display_path(folder)} has more than {MAX_ENTRIES} files and folders; "
                        "a submission must be smaller."
                    )
                path = Path(entry.path)
                if entry.is_symlink():
                    raise ConfigurationError(
                        f"{display_path(path)} is a link; a submission must be plain files."
                    )
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                else:
                    files.append((path.relative_to(folder).as_posix(), path))
    names = [name for name, _ in files]
    if ENTRY_FILE not in names:
        zips = sum("/" not in name and name.lower().endswith(".zip") for name in names)
        shown = display_path(folder)
        if zips > 1:
            raise ConfigurationError(
                f"{shown} has no {ENTRY_FILE} at its top, but {zips} .zip files; "
                f"to run those, name {shown}/*."
            )
        raise ConfigurationError(f"{shown} {missing_entry_file(names)}.")
    yield from sorted(zip(compose_names(names), (path for _, path in files), strict=True))
