"""One submission on a GPU at a time: locks of this host, which the kernel releases when a process dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import platformdirs

from runner.engine.placement import ALL_GPUS, CPU
from runner.errors import HostNotReadyError


def _default_folder() -> Path:
    return Path(platformdirs.user_state_dir("unlearn")) / "devices"


@contextmanager
def gpu_lock(device: str, folder: Path | None = None) -> Iterator[None]:
    """Exclude other processes of this host from a device; the CPU is shared.

    Raises:
        HostNotReadyError: another process uses it.
    """
    if device == CPU:
        yield
        return
    locks = folder or _default_folder()
    with ExitStack() as stack:
        if device == ALL_GPUS:
            stack.enter_context(_locked(locks / ALL_GPUS, fcntl.LOCK_EX, device))
        else:
            stack.enter_context(_locked(locks / ALL_GPUS, fcntl.LOCK_SH, device))
            stack.enter_context(_locked(locks / device.replace(":", "-"), fcntl.LOCK_EX, device))
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
