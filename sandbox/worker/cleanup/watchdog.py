"""The watch over a run's time by a process that reads nothing of it: the janitor.

The supervisor reads the pipes of a run. A process that sleeps in the kernel while it writes into a pipe holds
the pipe's lock, and then the supervisor waits too, where not even SIGKILL ends it. The janitor never touches
these pipes. It ends the run when its time is over and the supervisor has not ordered that, or when the
supervisor is about to be killed; the lock is free then. For the same reason it is the janitor that notices
when the container stands still: whatever the run does to the supervisor looks different from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sandbox.worker.stillness import StillnessDetector

TICK_SECONDS: Final = 0.25
"""The janitor looks this often."""
_GRACE_SECONDS: Final = 0.5
"""The supervisor has this long to order the end of a run by itself. The host waits for a whole second."""
_SIGKILL_BIT: Final = 1 << 8
"""The bit of SIGKILL in the masks of signals in ``/proc/PID/status``."""


@dataclass(slots=True, kw_only=True)
class _WatchedRun:
    order: str
    overdue_at: float
    frozen_seconds: float = 0.0
    ordered: bool = False


@dataclass(slots=True)
class Watchdog:
    """Tells which runs are to be ended without an order of the supervisor."""

    is_dying: Callable[[], bool]
    """Returns whether the supervisor is about to be killed."""
    clock: Callable[[], float] = time.monotonic
    stillness: StillnessDetector = field(default_factory=StillnessDetector)
    _runs: dict[str, _WatchedRun] = field(default_factory=dict, init=False)
    _forgotten: set[str] = field(default_factory=set, init=False)
    _has_watched: bool = field(default=False, init=False)

    @property
    def is_needed(self) -> bool:
        """Return whether `overdue_orders` is to be called every `TICK_SECONDS`: from the first run on.

        The host takes a container that uses no processor time at all for one that stands still, and these
        looks use some, whatever keeps the supervisor waiting.
        """
        return self._has_watched

    def watch(self, order: str, wall_seconds: float) -> None:
        """Watch a run from now on; for one that is watched already, its time begins now.

        Args:
            order: The order that ends it and cleans up: its uid, a space, and more.
            wall_seconds: Its time limit.
        """
        if not self._runs:
            self.stillness.start()
        if _uid_in(order) in self._forgotten:  # it has been ended, and the supervisor does not know yet
            return
        self._has_watched = True
        overdue_at = self.clock() + wall_seconds + _GRACE_SECONDS
        run = self._runs.setdefault(_uid_in(order), _WatchedRun(order=order, overdue_at=overdue_at))
        run.overdue_at = overdue_at

    def is_first_order(self, order: str) -> bool:
        """Return whether the run was not ordered to end before, and note that it is now."""
        run = self._runs.get(_uid_in(order))
        if run is None:
            return False
        first, run.ordered = not run.ordered, True
        return first

    def overdue_orders(self) -> list[str]:
        """Return the orders of the runs that are to be ended now; each at most once."""
        frozen = self.stillness.frozen_seconds()
        now, dying = self.clock(), self.is_dying()
        orders = []
        for run in self._runs.values():
            run.frozen_seconds += 0.0 if run.ordered else frozen
            if not run.ordered and (dying or now > run.overdue_at):
                run.ordered = True
                orders.append(run.order)
        return orders

    def forget(self, uid: str) -> float:
        """Stop watching a run; return for how many seconds the container stood still during it."""
        self._forgotten.add(uid)
        run = self._runs.pop(uid, None)
        return run.frozen_seconds if run is not None else 0.0


def _uid_in(order: str) -> str:
    return order.partition(" ")[0]


def is_about_to_be_killed(process: int, proc: Path = Path("/proc")) -> bool:
    """Return whether SIGKILL was sent to a process that has not ended yet; False where that is not shown."""
    try:
        lines = (proc / str(process) / "status").read_text(errors="replace").splitlines()
    except OSError:
        return False
    masks = [line.split()[1] for line in lines if line.startswith(("SigPnd:", "ShdPnd:"))]
    return any(int(mask, 16) & _SIGKILL_BIT for mask in masks)
