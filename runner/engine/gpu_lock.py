"""One submission at a time on a GPU: locks of this host, given back by the kernel when a process dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import platformdirs

from runner.engine.placement import ALL_GPUS, CPU
from runner.errors import HostNotReadyError


def _folder() -> Path:
    return Path(platformdirs.user_state_dir("unlearn")) / "devices"


@contextmanager
def gpu_lock(device: str, folder: Path | None = None) -> Iterator[None]:
    """Keep other processes of this host from a device while this one uses it; the CPU is shared.

    Raises:
        HostNotReadyError: another process uses it.
    """
    if device == CPU:
        yield
        return
    place = folder or _folder()
    with ExitStack() as held:
        if device == ALL_GPUS:
            held.enter_context(_locked(place / ALL_GPUS, fcntl.LOCK_EX, device))
        else:
            held.enter_context(_locked(place / ALL_GPUS, fcntl.LOCK_SH, device))
            held.enter_context(_locked(place / device.replace(":", "-"), fcntl.LOCK_EX, device))
        yield


@contextmanager
def _locked(file: Path, kind: int, device: str) -> Iterator[None]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be used: {error.strerror}.") from error
    try:
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HostNotReadyError(
                f"Another evaluation on this host uses --device {device} or a part of it; wait for it."
            ) from None
        yield
    finally:
        os.close(fd)
