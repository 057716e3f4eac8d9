"""Collect the files that an organizer gives a recipe: list, hash and read them, never parse them.

Images and tables are parsed in the trainer container alone. The trainer receives what was hashed:
a file that changes while the challenge is built ends the build.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from runner.errors import ConfigurationError
from runner.units import MIB
from sandbox.protocol.clutter import is_clutter
from sandbox.protocol.recipe_files import select_files

MAX_BYTES: Final = 4096 * MIB
"""The trainer holds the files in memory, and the images that it makes from them."""
MAX_FILES: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """One file of an organizer's data."""

    name: str
    """Path relative to the organizer's folder, with slashes."""
    path: Path
    size_bytes: int
    sha256: str

    def read(self) -> bytes:
        """Return the content.

        Raises:
            ConfigurationError: the file cannot be read, or has changed since it was hashed.
        """
        data = _read(self.path)
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ConfigurationError(
                f"{self.path} changed while the challenge was built; repeat the command."
            )
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizerData:
    """All files of an organizer's data, in the order of their names."""

    files: tuple[DataFile, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Number of files that the recipe does not read, by the ending of their names."""

    def note(self, recipe: str) -> str | None:
        """Return a sentence about the files that are not read; None if all are."""
        if not self.left_out:
            return None
        endings = ", ".join(f"{count} {ending}" for ending, count in sorted(self.left_out.items()))
        return f"{recipe} reads {len(self.files)} of your files; not read: {endings}"

    @property
    def sha256(self) -> str:
        """Return the hash of all names and contents; the location of the folder is no part of it."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.sha256} ".encode() + os.fsencode(file.name) + b"\0")
        return digest.hexdigest()


def gather_data(place: Path, recipe: str) -> OrganizerData:
    """Return the files below ``place`` that a recipe reads, or the file ``place`` itself.

    Hidden files (their names begin with a dot) and what file managers add are skipped. Links to files are
    followed, links to folders are not.

    Raises:
        ConfigurationError: no file is found, one cannot be read, or the data are too large.
    """
    if place.is_file():
        paths = {place.name: place}
    elif place.is_dir():
        paths = {path.relative_to(place).as_posix(): path for path in _walk(place)}
    else:
        raise ConfigurationError(f"There is no data at {place}.")
    selected = [(name, paths[name]) for name in select_files(recipe, paths)]
    if not selected:
        kind = f" that the recipe {recipe} reads" if paths else ""
        raise ConfigurationError(f"There are no files{kind} in {place}.")
    if len(selected) > MAX_FILES:
        raise ConfigurationError(f"{place} holds {len(selected)} files; the maximum is {MAX_FILES}.")
    try:
        total_bytes = sum(path.stat().st_size for _name, path in selected)
    except OSError as error:
        raise ConfigurationError(f"The data cannot be read: {error}.") from error
    if total_bytes > MAX_BYTES:
        raise ConfigurationError(
            f"The files in {place} are {total_bytes / MIB:.0f} MiB; the maximum is {MAX_BYTES / MIB:.0f}."
        )
    names = {name for name, _path in selected}
    left_out = Counter(_ending(name) for name in paths if name not in names and not is_clutter(name))
    return OrganizerData(
        files=tuple(_hashed_file(name, path) for name, path in selected), left_out=dict(left_out)
    )


def _ending(name: str) -> str:
    return PurePosixPath(name).suffix.lower() or "without an ending"


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise ConfigurationError(f"The data cannot be read: {error}.")

    for where, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(where, name)
            if not name.startswith(".") and path.is_file():
                yield path


def _hashed_file(name: str, path: Path) -> DataFile:
    data = _read(path)
    return DataFile(name=name, path=path, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The data cannot be read: {error}.") from error
