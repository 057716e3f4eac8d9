"""Give each worker container cores of its own: a share of the processor time alone does not hold a run to it.

Since Linux 6.18 a container that has used up its share is stopped only when its threads leave the kernel. In
a long system call each of them goes on, on every core that it may use, and the container then waits until the
time is paid back: its supervisor too, which had to end the run. A container that may use no more cores than
its share has no such debt.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runner.engine.info import EngineInfo
from runner.errors import HostNotReadyError
from runner.host_locks import host_locks_folder, lock_file

_ONLINE: Final = Path("/sys/devices/system/cpu/online")


class HostCores:
    """The cores of a host, which containers of all evaluations share out among themselves."""

    def __init__(self, cores: Sequence[int], folder: Path | None = None) -> None:
        """Take none yet.

        Args:
            cores: Their numbers; empty if containers cannot be held to cores.
            folder: Of the locks; None for the host's.
        """
        self._cores, self._folder = tuple(cores), folder

    @contextmanager
    def of_a_container(self, share: float) -> Iterator[str]:
        """Yield the cores of a container, as engines read them (``0,3``); empty for any.

        They are those that nobody uses, or any where there are too few of these: the number of cores is what
        holds a run to its share, and who else uses them only makes it slower.

        Args:
            share: Cores that the container may use, such as 0.5 or 2.
        """
        number = math.ceil(share)
        if number >= len(self._cores):
            yield ""
            return
        with contextlib.ExitStack() as locks:
            taken: list[int] = []
            used: list[int] = []
            for core in self._cores:
                if len(taken) == number:
                    break
                (taken if self._lock(core, locks) else used).append(core)
            taken += random.sample(used, number - len(taken))  # no secret is drawn
            yield ",".join(str(core) for core in sorted(taken))

    def _lock(self, core: int, locks: contextlib.ExitStack) -> bool:
        """Return whether nobody else uses a core; then it is locked until ``locks`` is closed."""
        try:
            locks.callback(os.close, lock_file((self._folder or host_locks_folder()) / f"core-{core}"))
        except (OSError, HostNotReadyError):
            return False
        return True


def cores_of(info: EngineInfo, online: Path = _ONLINE) -> tuple[int, ...]:
    """Return the cores of the engine's host; empty if it is another machine or cannot assign cores."""
    try:
        cores = parsed_cores(online.read_text())
    except (OSError, ValueError):
        return ()
    return cores if info.can_assign_cores and len(cores) == info.cores else ()


def parsed_cores(text: str) -> tuple[int, ...]:
    """Return the numbers in a list of cores as Linux writes it, such as ``0-3,8``.

    Raises:
        ValueError: the text is no such list.
    """
    cores: list[int] = []
    for part in text.strip().split(","):
        first, _, last = part.partition("-")
        cores += range(int(first), int(last or first) + 1)
    return tuple(cores)
