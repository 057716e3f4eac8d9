"""One submission on a GPU at a time: locks of this host, which the kernel releases when a process dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import platformdirs

from runner.engine.gpu_parent import parent_gpu
from runner.engine.placement import ALL_GPUS, CPU
from runner.errors import HostNotReadyError

_SHARED_FOLDER: Final = Path("/run/lock/unlearn-devices")
"""For all users of the host, whatever their home is."""


def _default_folder() -> Path:
    """Return the host's folder of locks, or this user's own where the host has none for everybody."""
    with contextlib.suppress(OSError):
        _SHARED_FOLDER.mkdir(exist_ok=True)
        with contextlib.suppress(PermissionError):  # another user created it
            _SHARED_FOLDER.chmod(0o1777)
        if os.access(_SHARED_FOLDER, os.W_OK | os.X_OK):
            return _SHARED_FOLDER
    return Path(platformdirs.user_state_dir("unlearn")) / "devices"


@contextmanager
def gpu_lock(
    device: str, folder: Path | None = None, *, parent_of: Callable[[str], str] = parent_gpu
) -> Iterator[None]:
    """Exclude other processes of this host from a device; the CPU is shared.

    A MIG instance excludes its whole GPU and leaves the GPU's other instances to others.

    Args:
        device: ``cpu``, ``all``, or ``cuda:`` and the UUID of a GPU or of a MIG instance.
        folder: Of the locks; None for the host's.
        parent_of: Returns the UUID of the GPU that a MIG instance is a part of.

    Raises:
        HostNotReadyError: another process uses it or a part of it, or its GPU is not known.
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
            uuid = device.lower().removeprefix("cuda:")
            if uuid.startswith("mig-"):
                gpu = parent_of(device.removeprefix("cuda:")).lower()
                stack.enter_context(_locked(locks / f"cuda-{gpu}", fcntl.LOCK_SH, device))
            stack.enter_context(_locked(locks / f"cuda-{uuid}", fcntl.LOCK_EX, device))
        yield


def _open(file: Path) -> int:
    """Open a lock that another user may have created; nothing is ever written to it."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(file, flags | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:  # without O_CREAT: sticky folders refuse it for another user's file
        fd = os.open(file, flags)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise HostNotReadyError(f"{file} is not a regular file; remove it.")
    return fd


@contextmanager
def _locked(file: Path, kind: int, device: str) -> Iterator[None]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fd = _open(file)
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
