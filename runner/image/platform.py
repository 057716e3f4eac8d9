"""The platforms that the image is built for: that of the engine counts, never this host's.

On a Mac the engine runs Linux in a virtual machine, so neither the host's system nor its Python says which
wheels belong into the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.errors import HostNotReadyError

PYTHON: Final = "3.11"
"""Of the base image."""
_GLIBC_MINORS: Final = range(36, 4, -1)
"""Versions 2.x that wheels may be made for: up to the one of Debian 12."""
_LEGACY_MINORS: Final = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_FIRST_ARM_MINOR: Final = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A platform of containers, with a set of wheels of its own."""

    name: str
    """``linux/amd64``, as engines and registries write it."""
    machine: str
    """``x86_64``, as the kernel and the names of wheels write it."""
    lock_file: Path
    extras_lock_file: Path

    @property
    def architecture(self) -> str:
        """Return the name's second part, as the engine reports it of an image."""
        return self.name.partition("/")[2]

    def wheel_tags(self) -> tuple[str, ...]:
        """Return the platforms in the names of wheels that run here, the best first."""
        tags = []
        for minor in _GLIBC_MINORS:
            if minor < _FIRST_ARM_MINOR and self is not AMD64:
                break
            tags.append(f"manylinux_2_{minor}_{self.machine}")
            if minor in _LEGACY_MINORS:
                tags.append(f"{_LEGACY_MINORS[minor]}_{self.machine}")
        return tuple(tags)


AMD64: Final = Platform(
    name="linux/amd64",
    machine="x86_64",
    lock_file=Path("requirements/image.txt"),
    extras_lock_file=Path("requirements/image-extras.txt"),
)
ARM64: Final = Platform(
    name="linux/arm64",
    machine="aarch64",
    lock_file=Path("requirements/image-arm64.txt"),
    extras_lock_file=Path("requirements/image-extras-arm64.txt"),
)
PLATFORMS: Final = (AMD64, ARM64)
_BY_ARCHITECTURE: Final[Mapping[str, Platform]] = {
    "x86_64": AMD64,
    "amd64": AMD64,
    "aarch64": ARM64,
    "arm64": ARM64,
}


def platform_of(architecture: str) -> Platform:
    """Return the platform of an engine by the architecture that it reports.

    Raises:
        HostNotReadyError: there are no wheels for it.
    """
    platform = _BY_ARCHITECTURE.get(architecture.lower())
    if platform is None:
        raise HostNotReadyError(
            f"The engine's architecture is {architecture!r}; the image exists for "
            f"{' and '.join(each.name for each in PLATFORMS)}."
        )
    return platform


def download_command(python: str, lock_file: Path, folder: Path, platform: Platform) -> list[str]:
    """Return pip's command that downloads the wheels of a lock file for a platform, by hash.

    Args:
        python: The interpreter that has pip; its version and system do not matter.
        lock_file: Has no environment markers, which pip would evaluate for ``python``.
        folder: For the wheels.
        platform: For which they are.
    """
    return [
        *(python, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:"),
        *target_options(platform),
        *("--no-cache-dir", "--progress-bar=off", "--disable-pip-version-check", "--no-input"),
        *("--dest", str(folder), "-r", str(lock_file)),
    ]


def target_options(platform: Platform) -> list[str]:
    """Return pip's options that choose wheels for the image's Python on a platform."""
    digits = PYTHON.replace(".", "")
    return [
        *(f"--platform={tag}" for tag in platform.wheel_tags()),
        *(f"--python-version={PYTHON}", "--implementation=cp"),
        *(f"--abi={abi}" for abi in (f"cp{digits}", "abi3", "none")),
    ]
