"""Download the wheels that the image is built from, with pip, on this host."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import platformdirs

from runner.errors import HostNotReadyError
from runner.image.inputs import ImageInputs
from runner.image.platform import Platform, download_command
from runner.image.torch_wheels import PACKAGES, TorchWheels, torch_command
from runner.progress import Reporter
from runner.sanitize import sanitize_line

_NO_OUTPUT: Final = "it printed nothing"
_LOCK_FILE: Final = "lock.txt"


def download_wheels(lock: bytes, folder: Path, platform: Platform, reporter: Reporter, *, size: str) -> None:
    """Download the wheels that a lock file names, checked by hash, unless they exist already.

    Args:
        lock: Content of the lock file.
        folder: For the wheels; exists.
        platform: For which they are.
        reporter: Receives progress.
        size: Of the download, for people.

    Raises:
        HostNotReadyError: pip is missing, or could not download them.
    """
    text, total, done = f"image: downloading wheels ({size})", lock.count(b"=="), 0
    reporter.step(text)
    file = folder / _LOCK_FILE
    file.write_bytes(lock)

    def on_line(line: str) -> None:
        nonlocal done
        if line.startswith(("Saved ", "  File was already downloaded")):
            done += 1
            reporter.count(text, min(done, total), total)

    _run(
        download_command(sys.executable, file, folder, platform),
        "The wheels for the image could not be downloaded from PyPI",
        on_line,
    )


def download_torch(url: str, index: str, inputs: ImageInputs, reporter: Reporter) -> TorchWheels:
    """Download torch and torchvision from another package index, and return what it served.

    Args:
        url: Its address, as typed.
        index: Its address, as it may be shown.
        inputs: The lock file, which names the versions, and the platform.
        reporter: Receives progress.

    Raises:
        HostNotReadyError: pip is missing, or the index does not serve them.
    """
    folder = _torch_folder(index)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reporter.step(f"image: downloading torch and torchvision from {index}")
    lock = inputs.read(inputs.platform.lock_file)
    command = torch_command(sys.executable, url, lock, folder, inputs.platform)
    _run(command, f"torch and torchvision could not be downloaded from {index}", lambda _line: None)
    return TorchWheels.in_folder(folder, index)


def take_torch(torch: TorchWheels, folder: Path) -> None:
    """Move the wheels that `download_torch` downloaded to those of the lock file."""
    source = _torch_folder(torch.index)
    for name in PACKAGES:
        for wheel in source.glob(f"{name}-*.whl"):
            shutil.move(wheel, folder / wheel.name)
    shutil.rmtree(source, ignore_errors=True)


def _torch_folder(index: str) -> Path:
    mark = hashlib.sha256(index.encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("unlearn")) / "wheels" / f"torch-{mark}"


def _run(command: Sequence[str], failure: str, on_line: Callable[[str], None]) -> None:
    """Run pip.

    Raises:
        HostNotReadyError: it is missing or fails; the sentence begins with ``failure``.
    """
    if importlib.util.find_spec("pip") is None:
        raise HostNotReadyError(
            f"The Python environment of unlearn ({sys.prefix}) has no pip, which collects the wheels of the "
            f"image; add it with: {sys.executable} -m ensurepip"
        )
    problem = _NO_OUTPUT
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            on_line(line)
            if line.startswith("ERROR"):
                problem = line.strip()
    if pip.returncode != 0:
        raise HostNotReadyError(f"{failure}: {sanitize_line(problem)}")
