"""Wheels of torch and torchvision from another package index, such as one with builds for the CPU alone.

They take the place of the two in the lock file, in the same versions; what those need for GPUs is left out,
and everything else stays as it is locked. Nobody can lock what another index serves, so the hashes are those
of the files that it served when the image was built: they are inputs of the image, and a label of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit, urlunsplit

from runner.errors import ConfigurationError, HostNotReadyError
from runner.image.platform import Platform, target_options

PACKAGES: Final = ("torch", "torchvision")
_FOR_GPUS: Final = ("cuda-", "nvidia-", "triton")
"""How the names of the packages begin that torch needs for GPUs."""
_ENTRY: Final = re.compile(rb"^([A-Za-z0-9._-]+)==([^\s\\;]+)[^\n]*\n(?:[ \t]+[^\n]*\n)*", re.MULTILINE)
_WHEEL: Final = re.compile(r"[\w.-]+ [\w.+!-]+ [0-9a-f]{64}", re.ASCII)
_SCHEMES: Final = ("https", "http", "file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """A wheel that an index served."""

    name: str
    version: str
    """With what the index added, such as ``2.14.1+cpu``."""
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchWheels:
    """The wheels of `PACKAGES` that an index served."""

    index: str
    """Its address, without a password."""
    wheels: tuple[Wheel, ...]

    @classmethod
    def in_folder(cls, folder: Path, index: str) -> Self:
        """Return the wheels that were downloaded into a folder.

        Raises:
            HostNotReadyError: there is not exactly one of each package.
        """
        wheels = []
        for name in PACKAGES:
            files = list(folder.glob(f"{name}-*.whl"))
            if len(files) != 1:
                raise HostNotReadyError(f"{index} served {len(files)} wheels of {name} in place of one.")
            with files[0].open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            wheels.append(Wheel(name=name, version=files[0].name.split("-")[1], sha256=sha256))
        return cls(index=index, wheels=tuple(wheels))

    @classmethod
    def of_label(cls, text: str) -> Self | None:
        """Return what `label` wrote; None if it is something else."""
        try:
            fields = json.loads(text)
            wheels = tuple(Wheel(**each) for each in fields["wheels"])
            entries = [f"{each.name} {each.version} {each.sha256}" for each in wheels]
            if not all(_WHEEL.fullmatch(entry) for entry in entries):
                return None
            return cls(index=str(fields["index"]), wheels=wheels)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    def label(self) -> str:
        """Return it as a label of an image."""
        return json.dumps({"index": self.index, "wheels": [asdict(wheel) for wheel in self.wheels]})

    def lock(self, lock: bytes) -> bytes:
        """Return a lock file with these wheels in place of those that it names."""
        lines = "".join(f"{each.name}=={each.version} --hash=sha256:{each.sha256}\n" for each in self.wheels)
        return without_torch(lock) + lines.encode()


def without_torch(lock: bytes) -> bytes:
    """Return a lock file without torch, torchvision and what they need for GPUs."""

    def is_left_out(name: str) -> bool:
        return name in PACKAGES or name.startswith(_FOR_GPUS)

    return _ENTRY.sub(lambda entry: b"" if is_left_out(entry[1].decode().lower()) else entry[0], lock)


def locked_versions(lock: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and version of every package in a lock file."""
    for entry in _ENTRY.finditer(lock):
        yield entry[1].decode().lower(), entry[2].decode()


def checked_index(url: str) -> str:
    """Return an index's address as it may be shown and stored: without user and password.

    Raises:
        ConfigurationError: it is no address that pip could use.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise ConfigurationError("--torch-index is no address; write https://HOST/PATH.") from error
    if parts.scheme not in _SCHEMES or not (host or parts.scheme == "file"):
        raise ConfigurationError("--torch-index is no address; write https://HOST/PATH.")
    host = f"[{host}]" if ":" in host else host
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


def torch_command(python: str, url: str, lock: bytes, folder: Path, platform: Platform) -> list[str]:
    """Return pip's command that downloads `PACKAGES` from an index, in the versions of a lock file.

    Args:
        python: The interpreter that has pip.
        url: Of the index, as typed.
        lock: Names the versions; the index may add a build's name to them (``+cpu``).
        folder: For the wheels.
        platform: For which they are.

    Raises:
        HostNotReadyError: the lock file does not name them.
    """
    versions = dict(locked_versions(lock))
    if not set(PACKAGES) <= versions.keys():
        raise HostNotReadyError(f"The lock file does not name {' and '.join(PACKAGES)}.")
    return [
        *(python, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", *target_options(platform)),
        *("--no-cache-dir", "--progress-bar=off", "--disable-pip-version-check", "--no-input"),
        *("--index-url", url, "--dest", str(folder)),
        *(f"{name}=={versions[name].partition('+')[0]}" for name in PACKAGES),
    ]
