"""Challenges on a node, by their hash: they travel once, and every file is checked when it comes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

import platformdirs

from runner.challenge.challenge import Challenge
from runner.challenge.layout import DESCRIPTION_BYTES, DESCRIPTION_FILE
from runner.challenge.load import load_challenge
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import read_regular_file

MAX_CHALLENGES: Final = 16
"""Kept on a node; those that were not used for longest are removed first."""


def cache_folder() -> Path:
    """Return the folder of this user's cache for clusters."""
    return platformdirs.user_cache_path("unlearn") / "cluster"


def challenge_files(challenge: Challenge) -> dict[str, bytes]:
    """Return the files of a challenge by their paths, its description included.

    Raises:
        ConfigurationError: one cannot be read, or was changed.
    """
    try:
        text = read_regular_file(challenge.folder / DESCRIPTION_FILE, max_bytes=DESCRIPTION_BYTES)
    except OSError as error:
        raise ConfigurationError(f"The challenge cannot be read: {error}.") from error
    return {DESCRIPTION_FILE: text} | {name: challenge.file(name) for name in challenge.description.files}


class ChallengeCache:
    """The challenges in a folder. Several processes may use it at the same time."""

    def __init__(self, folder: Path, *, most: int = MAX_CHALLENGES) -> None:
        """Use a folder, which is created when something is stored; keep at most so many challenges."""
        self._folder, self._most = folder, most

    def has(self, sha256: str) -> bool:
        """Return whether a challenge is stored; it counts as used."""
        folder = self._folder / sha256
        with contextlib.suppress(OSError):
            os.utime(folder)
            return True
        return False

    def load(self, sha256: str) -> Challenge:
        """Return a stored challenge; its files are checked again.

        Raises:
            HostNotReadyError: it is not stored, or damaged; then it is removed.
        """
        folder = self._folder / sha256
        try:
            challenge = load_challenge(folder)
        except ConfigurationError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise HostNotReadyError(f"The cached challenge is damaged and removed: {error}") from error
        if challenge.sha256 != sha256:
            shutil.rmtree(folder, ignore_errors=True)
            raise HostNotReadyError(f"The cached challenge {sha256[:12]} is another one and removed.")
        return challenge

    def store(self, sha256: str, files: Mapping[str, bytes]) -> None:
        """Store a challenge, whole or not at all.

        Args:
            sha256: Its hash.
            files: By their paths, as `challenge_files` returns them.

        Raises:
            ConfigurationError: the files are not those of this challenge.
            HostNotReadyError: they cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryDirectory(dir=self._folder, prefix=".new-") as folder:
                for name, data in files.items():
                    path = PurePosixPath(name)
                    if path.is_absolute() or ".." in path.parts:
                        raise ConfigurationError(f"{name} is no path in a challenge.")
                    file = Path(folder) / path
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(data)
                if load_challenge(Path(folder)).sha256 != sha256:
                    raise ConfigurationError(f"The files that came are not those of challenge {sha256[:12]}.")
                with contextlib.suppress(FileExistsError, OSError):
                    Path(folder).rename(self._folder / sha256)
                    Path(folder).mkdir()  # which the context removes
            self._remove_oldest()
        except OSError as error:
            raise HostNotReadyError(f"{self._folder} cannot be written: {error.strerror}.") from error
        if not self.has(sha256):
            raise HostNotReadyError(f"{self._folder} does not keep what is written there.")

    def _remove_oldest(self) -> None:
        stored = [folder for folder in self._folder.iterdir() if not folder.name.startswith(".")]
        stored.sort(key=lambda folder: folder.stat().st_mtime, reverse=True)
        for folder in stored[self._most :]:
            shutil.rmtree(folder, ignore_errors=True)
