"""A thread for each device of a command, and Ctrl-C, which reaches the main thread alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from runner.background_thread import BackgroundThread


class Interruptible(Protocol):
    """What can be ended from another thread."""

    def interrupt(self) -> None:
        """End what is in progress, so that it can be continued."""

    def kill(self) -> None:
        """End it at once."""


_Device = TypeVar("_Device", bound=Interruptible)


def work_on_each(
    devices: Sequence[_Device],
    work: Callable[[_Device], object],
    *,
    stop: Callable[[], object],
) -> None:
    """Work on each device in a thread of its own, and wait for all of them.

    An exception such as KeyboardInterrupt in the calling thread stops the work: what is in progress is
    interrupted and waited for. A second one kills it; the next command removes what that leaves behind.

    Args:
        devices: At least one.
        work: Called with each device in its thread; its own errors are its own affair.
        stop: Called once, so that nothing new begins.
    """
    threads = [
        BackgroundThread(partial(work, device), name=f"device-{number}")
        for number, device in enumerate(devices, start=1)
    ]
    try:
        for thread in threads:
            thread.start()
        _wait_for(threads)
    except BaseException:
        stop()
        for device in devices:
            device.interrupt()
        try:
            _wait_for(threads)
        except BaseException:
            for device in devices:
                device.kill()
            raise
        raise


def _wait_for(threads: Sequence[BackgroundThread]) -> None:
    for thread in threads:
        thread.wait()
