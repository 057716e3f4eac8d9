"""One submission on a GPU at a time: locks of this host, which the kernel releases when a process dies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runner.engine.gpus.gpu_parent import parent_gpu
from runner.engine.placement import ALL_GPUS, CPU
from runner.errors import HostNotReadyError
from runner.host_locks import host_locks_folder, lock_file


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
    locks = folder or host_locks_folder()
    with ExitStack() as stack:
        if device == ALL_GPUS:
            stack.enter_context(_locked(locks / ALL_GPUS, device))
        else:
            stack.enter_context(_locked(locks / ALL_GPUS, device, shared=True))
            uuid = device.lower().removeprefix("cuda:")
            if uuid.startswith("mig-"):
                gpu = parent_of(device.removeprefix("cuda:")).lower()
                stack.enter_context(_locked(locks / f"cuda-{gpu}", device, shared=True))
            stack.enter_context(_locked(locks / f"cuda-{uuid}", device))
        yield


@contextmanager
def _locked(file: Path, device: str, *, shared: bool = False) -> Iterator[None]:
    try:
        fd = lock_file(file, shared=shared)
    except BlockingIOError:
        raise HostNotReadyError(
            f"Another evaluation on this host uses --device {device} or a part of it; wait for it."
        ) from None
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be used: {error.strerror}.") from error
    try:
        yield
    finally:
        os.close(fd)
