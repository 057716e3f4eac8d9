"""Keep the times of files from telling a run what an earlier run looked at or touched.

In /proc and /sys, the kernel sets the times of a file to the moment when somebody first looks at it, and
forgets them when it needs the memory. A run could look at some files and not at others, as a message for the
next run. So the supervisor looks at every file first, and holds it: the times of a file that is held do not
change.

Files that engines mount from the host's disk have the time of their first reading, too, where they cannot be
masked (gVisor): the host's kernel then keeps it for a day. So the supervisor reads them first.

In /dev, everybody may set the times of most nodes to now, and each look into a folder sets the time of the
folder, which engines mount like that. In /proc and in control groups' folders, everybody may set those of
links and of some files of each process, such as ``timerslack_ns``: the kernel refuses what is written there,
and not a new time. These times are reset after each run.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_KERNEL_FILES: Final = (Path("/proc"), Path("/sys"))
_MOUNTED_FILES: Final = tuple(Path("/etc") / name for name in ("hostname", "hosts", "resolv.conf"))
_MAX_HELD: Final = 2_000
"""About half of the descriptors that a process may have. In /proc and /sys some 600 files are not masked;
with a GPU, for which /sys is not masked, there are more than can be held."""
_NOT_ENTERED: Final = frozenset({"net", "fd", "fdinfo", "map_files", "ns"})
"""Folders of a process. The kernel forgets the files of the first at once, so that everyone finds the time of
their own look; runs may not enter those of other users in the rest."""
_CLOCK_TICK_SECONDS: Final = 0.02
"""The kernel's clock for the times of files advances at least this often."""


def hold_times(tops: Iterable[Path] = _KERNEL_FILES, most: int = _MAX_HELD) -> int:
    """Look at every file below these folders, hold each until this process ends, and return their number.

    Call this after all processes were forked that live longer than a run: they would inherit the descriptors.
    Files that cannot be opened are left out.

    Args:
        tops: The folders.
        most: The number of files to hold at most.
    """
    held: list[Path] = []
    folders = list(tops)
    while folders and len(held) < most:
        folder = folders.pop(0)
        for name in _names_in(folder)[: most - len(held)]:
            path = folder / name
            with contextlib.suppress(OSError):
                is_folder = stat.S_ISDIR(path.lstat().st_mode)
                os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
                held.append(path)
                if is_folder and name not in _NOT_ENTERED:
                    folders.append(path)
    _read_once(held)
    return len(held)


def _read_once(paths: Iterable[Path]) -> None:
    """Read all links and folders: the kernel records the first reading, if its clock has advanced by then."""
    time.sleep(_CLOCK_TICK_SECONDS)
    for path in paths:
        with contextlib.suppress(OSError):
            if path.is_symlink():
                path.readlink()
            elif path.is_dir():
                _names_in(path)


def read_mounted_files(files: Iterable[Path] = _MOUNTED_FILES) -> None:
    """Read each of these files, so that no later reading changes its time, for a day (``relatime``)."""
    for file in files:
        with contextlib.suppress(OSError):
            file.read_bytes()


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def changeable_nodes(folder: Path) -> list[Path]:
    """Return the nodes whose times every user may change: the folder, folders in it, devices and links."""
    nodes = [Path(inner) / name for inner, folders, files in os.walk(folder) for name in (*folders, *files)]
    return [folder, *(node for node in nodes if _is_changeable(node.lstat().st_mode))]


def _is_changeable(mode: int) -> bool:
    return stat.S_ISDIR(mode) or bool(mode & stat.S_IWOTH)


class ChangeableKernelFiles:
    """The links and files in /proc whose times every user may change; of processes, this user's only.

    Looking for them takes far longer than resetting their times, so what was found is kept: of each process
    as long as it has the same threads, and of what belongs to no process for good.
    """

    def __init__(self, top: Path = Path("/proc")) -> None:
        """Look for nothing yet.

        Args:
            top: The folder with a folder for each process, whose name is a number.
        """
        self._top = top
        self._of_no_process: list[Path] | None = None
        self._of_processes: dict[tuple[str, ...], list[Path]] = {}

    def paths(self) -> list[Path]:
        """Return those that are there now.

        Folders are not among them: nobody else may write to them, and their times are held (`hold_times`).
        """
        if self._of_no_process is None:
            self._of_no_process = [path for path in self._top.iterdir() if _may_be_touched(path)]
        own = os.geteuid()
        processes = {
            (folder.name, *_names_in_tasks(folder)): folder
            for folder in self._top.iterdir()
            if folder.name.isdecimal() and _owner(folder) == own
        }
        self._of_processes = {
            key: self._of_processes.get(key) or _touchable_below(folder) for key, folder in processes.items()
        }
        return self._of_no_process + [path for paths in self._of_processes.values() for path in paths]


def _names_in_tasks(process: Path) -> list[str]:
    try:
        return sorted(task.name for task in (process / "task").iterdir())
    except OSError:  # it has ended meanwhile
        return []


def _touchable_below(top: Path) -> list[Path]:
    touchable = []
    for folder, folders, files in os.walk(top):
        touchable += [node for name in (*folders, *files) if _may_be_touched(node := Path(folder) / name)]
        folders[:] = [name for name in folders if name not in _NOT_ENTERED]
    return touchable


def _may_be_touched(node: Path) -> bool:
    try:
        mode = node.lstat().st_mode
    except OSError:  # of a process that has ended meanwhile
        return False
    return _is_changeable(mode) and not stat.S_ISDIR(mode)


def _owner(path: Path) -> int:
    try:
        return path.lstat().st_uid
    except OSError:
        return -1


def reset_times(nodes: Iterable[Path]) -> None:
    """Reset the times of everything that all runs may touch, so that no run learns when an earlier one did.

    These nodes belong to this process's own uid; nothing that a run could put in their place does.
    """
    for path in nodes:
        with contextlib.suppress(OSError):
            os.utime(path, ns=(0, 0), follow_symlinks=False)
