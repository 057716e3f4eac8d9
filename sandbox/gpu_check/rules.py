"""Try which of the rules under which a run lives breaks a device.

Each rule is tried alone, and each with all those before it, in the order in which a run's process applies
them. Each time in a child of its own, which then makes its context and multiplies two matrices.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from sandbox.gpu_check.children import call_in_child
from sandbox.gpu_check.use import start_using
from sandbox.seccomp import install
from sandbox.worker.core_dumps import no_core_bytes

_UID: Final = 58_000
_PROCESSES, _FILES = 256, 4096
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38

_FILTER: Final = "filter: "
_LEAST_SECONDS: Final = 2.0
"""With less time left, nothing is tried any more."""
_SLOW_SECONDS: Final = 10.0
"""An attempt may take at least this long: a driver that is not kept loaded takes seconds to start."""

Rule = Callable[[], None]
Answer = dict[str, Any] | None


def _set_limits() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, 2 * (no_core_bytes(),))
    resource.setrlimit(resource.RLIMIT_NPROC, (_PROCESSES, _PROCESSES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))


def _be_nice() -> None:
    os.nice(5)


def _leave_groups() -> None:
    os.setgroups([])


def _set_uid() -> None:
    os.setresgid(_UID, _UID, _UID)
    os.setresuid(_UID, _UID, _UID)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} was refused")


def _name_thread() -> None:
    """Write a thread's name, as newer drivers do for theirs."""
    Path(f"/proc/self/task/{os.getpid()}/comm").write_text("renamed")


def _ignore_signals() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()


def _install_with_privilege(instructions: bytes) -> None:
    """Install a filter; a process without privileges needs no_new_privs for it."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    install(instructions)


def rules(filters: Mapping[str, bytes]) -> dict[str, Rule]:
    """Return the rules by name, in the order in which a run applies them; the filters come last.

    Args:
        filters: Programs for the kernel, by name: ``all`` is that of runs, in each other one call is allowed.
    """
    return {
        "nice": _be_nice,
        "limits": _set_limits,
        "groups": _leave_groups,
        "uid": _set_uid,
        "not dumpable": partial(_prctl, _PR_SET_DUMPABLE, 0),
        "no_new_privs": partial(_prctl, _PR_SET_NO_NEW_PRIVS, 1),
        "session": _ignore_signals,
        **{f"{_FILTER}{name}": partial(_install_with_privilege, data) for name, data in filters.items()},
    }


def try_rules(
    device: str, filters: Mapping[str, bytes], seconds: float, each_seconds: float = 60.0
) -> dict[str, Any]:
    """Return how each rule alone, and with all before it, affects the device.

    The first attempt, without rules, shows how long a device takes; later ones may take four times as long.
    All rules together come first, since runs live under these; filters that allow one call more come last.

    Returns:
        ``alone`` and ``together``: by rule, the values of the child (`call_in_child`); ``names_thread``:
        whether a thread's name can be written under all rules; ``without a device``: each rule alone with
        the CPU, since a rule may not even apply here, whatever the device; ``not_tried``: attempts that the
        time did not suffice for.
    """
    every, deadline = rules(filters), time.monotonic() + seconds
    order = [name for name in every if not name.startswith(_FILTER) or name == f"{_FILTER}all"]
    not_tried: list[str] = []

    def attempt(title: str, where: str, *names: str, within: float, last: Rule | None = None) -> Answer:
        left = deadline - time.monotonic()
        if left < _LEAST_SECONDS:
            not_tried.append(title)
            return None

        def apply_and_use() -> dict[str, Any]:
            for name in names:
                every[name]()
            if last is None:
                return start_using(where)
            last()
            return {"written": True}

        return call_in_child(apply_and_use, min(left, within))

    without = attempt("without rules", device, within=min(each_seconds, max(_LEAST_SECONDS, seconds / 3)))
    taken = without["seconds"] if without is not None else 0.0
    each = min(each_seconds, max(_SLOW_SECONDS, 4 * taken))
    prefixes = {name: order[: place + 1] for place, name in reversed(list(enumerate(order)))}
    together = {
        name: attempt(f"together: {name}", device, *names, within=each) for name, names in prefixes.items()
    }
    named = attempt("names_thread", "cpu", *order, within=each, last=_name_thread)
    without_device = {name: attempt(f"without a device: {name}", "cpu", name, within=each) for name in every}
    alone = {name: attempt(f"alone: {name}", device, name, within=each) for name in every}
    return {
        "without rules": without,
        "alone": _answered(alone),
        "together": _answered({name: together[name] for name in order}),
        "without a device": _answered(without_device),
        "names_thread": named,
        "not_tried": not_tried,
    }


def _answered(answers: Mapping[str, Answer]) -> dict[str, dict[str, Any]]:
    return {name: answer for name, answer in answers.items() if answer is not None}
