"""The janitor: ends every process of a run and removes its files.

The janitor is forked before torch is imported, so that it stays small and forks fast. By itself it ends
runs whose time is over (`sandbox.worker.cleanup.watchdog`). Each run has a helper that was forked
beforehand, because a run that exhausts the process limit would leave no room for a new one. No helper is
there in the time of two runs: the first could look at its files in ``/proc``, and the second would find the
times of these looks.

A helper takes the run's uid as its *effective* uid, so the kernel decides what it may end and remove: only
what belongs to the run. The helper's real and saved uid are its own, so that no process of the run can signal
it in return.
"""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import stat
import subprocess
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from sandbox.protocol.jobs import READERS_GID
from sandbox.worker.cleanup.end_processes import UNUSED_UID, end_processes, kill_reports_no_target
from sandbox.worker.cleanup.file_times import ChangeableKernelFiles, changeable_nodes, reset_times
from sandbox.worker.cleanup.watchdog import TICK_SECONDS, Watchdog, is_about_to_be_killed
from sandbox.worker.fds import SocketsInFlight, SpaceInUse, close_all_but

_SHARED_FOLDERS: Final = (Path("/tmp"), Path("/dev/shm"), Path("/dev/mqueue"))  # noqa: S108
_FOLDERS_OF_ENGINES: Final = (Path("/dev"), Path("/sys/fs/cgroup"))
"""Engines mount these anew for each container, writable in part."""
_ORDER_BYTES: Final = 256
_WATCH: Final = "watch "
_FIRST_HELPER_UID: Final = 60_000
"""A helper's real uid is this plus its slot's gid: no run and no concurrent helper has that uid."""
_FIRST_RUN_UID: Final = 10_000
"""No run has a lower uid, and everything else that exists in a container has."""
_RETRY_SECONDS: Final = 0.05


class CleanupResult(NamedTuple):
    """What the janitor reports of a run."""

    uid: int
    cleaned_up: bool
    """Whether no process and no file of the run is left."""
    frozen_seconds: float
    """How long this container, or the whole machine, stood still during the run."""


class _Helper(NamedTuple):
    """A process that waits for an order."""

    socket: socket.socket
    process: int


class Janitor:
    """The supervisor's handle to the janitor process."""

    def __init__(self, helpers: int, *, is_alone: bool = True) -> None:
        """Fork the janitor. Call this before torch is imported.

        Args:
            helpers: How many runs may be cleaned up at a time.
            is_alone: Whether only runs use its sockets and folders, as in a container: then it waits until
                nothing of a run is left in flight there. On a shared machine it cannot tell.
        """
        self.socket, janitor_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            close_all_but(janitor_end.fileno())
            _serve(janitor_end, helpers, is_alone=is_alone)
        janitor_end.close()

    def watch(self, uid: int, slot_gid: int, slot_folder: Path, wall_seconds: float) -> None:
        """Announce a run that starts now: without an order in time, the janitor ends it by itself."""
        self.socket.send(f"{_WATCH}{wall_seconds} {uid} {slot_gid} {slot_folder}".encode())

    def order(self, uid: int, slot_gid: int, slot_folder: Path) -> None:
        """Order the cleanup of a run: its processes and files. `receive_result` returns the answer."""
        self.socket.send(f"{uid} {slot_gid} {slot_folder}".encode())

    def receive_result(self) -> CleanupResult:
        """Receive the result of a cleanup, which may be one that the janitor has ordered itself.

        Raises:
            ConnectionError: the janitor is gone.
        """
        answer = self.socket.recv(_ORDER_BYTES)
        if not answer:
            raise ConnectionError("the janitor is gone")
        uid, cleaned_up, frozen_seconds = answer.split()
        return CleanupResult(int(uid), cleaned_up == b"1", float(frozen_seconds))


def _serve(supervisor: socket.socket, helpers: int, *, is_alone: bool) -> NoReturn:
    kill_reports_none = kill_reports_no_target()
    watchdog = Watchdog(lambda: is_about_to_be_killed(os.getppid()))
    waiting: list[_Helper] = []
    busy: dict[socket.socket, tuple[int, str, Path]] = {}
    orders: list[str] = []
    nodes = [node for folder in _FOLDERS_OF_ENGINES for node in changeable_nodes(folder)]
    kernel_files, sockets, space = ChangeableKernelFiles(), SocketsInFlight(), SpaceInUse()
    selector = selectors.DefaultSelector()
    selector.register(supervisor, selectors.EVENT_READ)
    while True:
        while len(waiting) + len(busy) < helpers and (helper := _fork_helper(kill_reports_none)):
            waiting.append(helper)
        while orders and waiting:
            order, helper = orders.pop(0), waiting.pop()
            helper.socket.send(order.encode())
            uid, _slot_gid, folder = order.split(" ", 2)
            busy[helper.socket] = helper.process, uid, Path(folder)
            selector.register(helper.socket, selectors.EVENT_READ)
        tick = TICK_SECONDS if watchdog.is_needed else None
        events = selector.select(_RETRY_SECONDS if len(waiting) + len(busy) < helpers else tick)
        orders += watchdog.overdue_orders()
        for key, _events in events:
            sender = key.fileobj
            assert isinstance(sender, socket.socket)
            if sender is supervisor:
                message = supervisor.recv(_ORDER_BYTES).decode()
                if not message:
                    os._exit(0)
                if message.startswith(_WATCH):
                    seconds, _space, order = message.removeprefix(_WATCH).partition(" ")
                    watchdog.watch(order, float(seconds))
                    if is_alone:
                        sockets.count_others(own=2 * (len(waiting) + len(busy)))
                        space.measure((*_SHARED_FOLDERS, Path(order.split(" ", 2)[2])))
                elif watchdog.is_first_order(message):
                    orders.append(message)
                continue
            selector.unregister(sender)
            cleaned_up = sender.recv(1) == b"1"
            sender.recv(1)  # the helper has ended, so its socket is gone
            sender.close()
            process, uid, slot_folder = busy.pop(sender)
            os.waitpid(process, 0)
            if is_alone:
                cleaned_up = sockets.wait_until_gone(own=2 * (len(waiting) + len(busy))) and cleaned_up
                cleaned_up = cleaned_up and space.wait_until_free()
            reset_times((*nodes, *_SHARED_FOLDERS, slot_folder, *kernel_files.paths()))
            supervisor.send(f"{uid} {int(cleaned_up)} {watchdog.forget(uid)}".encode())


def _fork_helper(kill_reports_none: bool) -> _Helper | None:
    janitor_end, helper_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        child = os.fork()
    except OSError:  # the process limit is reached for the moment
        janitor_end.close()
        helper_end.close()
        return None
    if child:
        helper_end.close()
        return _Helper(janitor_end, child)
    close_all_but(helper_end.fileno())  # no helper holds another's socket
    order = helper_end.recv(_ORDER_BYTES).decode()
    try:
        if order:
            uid, slot_gid, folder = order.split(" ", 2)
            cleaned_up = clean_up(int(uid), int(slot_gid), Path(folder), kill_reports_none)
            helper_end.send(b"1" if cleaned_up else b"0")
    finally:
        os._exit(0)  # no answer means that the run may have leftovers


def clean_up(uid: int, slot_gid: int, slot_folder: Path, kill_reports_none: bool) -> bool:
    """Take the uid, end its processes and remove its files; return whether nothing is left.

    ``kill_reports_none``: whether `kill` itself reports that no process is left
    (`kill_reports_no_target`); otherwise the list of processes in ``/proc`` decides.
    """
    os.setgroups([slot_gid, READERS_GID])
    os.setresgid(uid, uid, uid)
    own = _FIRST_HELPER_UID + slot_gid
    os.setresuid(own, uid, own)
    os.chdir("/")
    cleaned_up = end_processes(uid, kill_reports_none)
    for folder in (slot_folder, *_SHARED_FOLDERS):
        cleaned_up = _empty(folder, uid) and cleaned_up
    return cleaned_up


def _empty(folder: Path, uid: int) -> bool:
    """Remove the entries of a folder that belong to ``uid``; return whether no run's entry is left.

    An entry of another run would be one that nobody removes any more: a run is alone in its container.
    """
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, PermissionError):
        return True
    left = [entry for entry in entries if not (_owner(entry) == uid and _remove(entry))]
    return not any(_FIRST_RUN_UID <= _owner(entry) < UNUSED_UID for entry in left)


def _owner(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_uid
    except FileNotFoundError:
        return -1


def _remove(entry: os.DirEntry[str]) -> bool:
    try:
        if stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    except (OSError, RecursionError):
        # Folders without permissions, or nested deeper than Python can recurse.
        subprocess.run(["/bin/chmod", "-R", "u+rwx", "--", entry.path], check=False, capture_output=True)
        subprocess.run(["/bin/rm", "-rf", "--", entry.path], check=False, capture_output=True)
    return not os.path.lexists(entry.path)
