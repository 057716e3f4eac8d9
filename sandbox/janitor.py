"""The janitor: ends every process of a run and removes its files.

A process forked before torch is imported, so that it stays small and forks fast. It
always keeps helpers forked and waiting, because a run that exhausts the process limit
would leave no room for one. A helper takes the run's identity as its *effective* one, so
that the kernel decides what it may end and remove: nothing but what is the run's. Its real
and saved uid are its own, so that no process of the run may signal it in return.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NoReturn

from sandbox.fds import close_all_but
from sandbox.jobs import READERS_GID

_SHARED_FOLDERS: Final = (Path("/tmp"), Path("/dev/shm"), Path("/dev/mqueue"))  # noqa: S108
_ORDER_BYTES: Final = 256
_FIRST_HELPER_UID: Final = 60_000
"""A helper's real uid is this plus its slot's gid: no run has it, nor a helper at work beside it."""
_GONE_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 0.05


class Janitor:
    """The supervisor's handle on the janitor process."""

    def __init__(self, helpers: int) -> None:
        """Fork it. Call before torch is imported."""
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            close_all_but(theirs.fileno())
            _serve(theirs, helpers)
        theirs.close()

    def order(self, uid: int, slot_gid: int, slot_folder: Path) -> None:
        """Ask that everything of a run be ended and removed; the answer comes through `done`."""
        self.socket.send(f"{uid} {slot_gid} {slot_folder}".encode())

    def done(self) -> tuple[int, bool]:
        """Return the uid of a run that was ended, and whether nothing of it is left.

        Raises:
            ConnectionError: the janitor is gone.
        """
        answer = self.socket.recv(_ORDER_BYTES)
        if not answer:
            raise ConnectionError("the janitor is gone")
        uid, gone = answer.split()
        return int(uid), gone == b"1"


def _serve(supervisor: socket.socket, helpers: int) -> NoReturn:
    waiting: list[socket.socket] = []
    busy: dict[socket.socket, str] = {}
    orders: list[str] = []
    nodes = _world_writable(Path("/dev"))
    selector = selectors.DefaultSelector()
    selector.register(supervisor, selectors.EVENT_READ)
    while True:
        while len(waiting) < helpers and (helper := _fork_helper()) is not None:
            waiting.append(helper)
        while orders and waiting:
            order, helper = orders.pop(0), waiting.pop()
            helper.send(order.encode())
            busy[helper] = order.split()[0]
            selector.register(helper, selectors.EVENT_READ)
        for key, _events in selector.select(_RETRY_SECONDS if len(waiting) < helpers else None):
            ended = key.fileobj
            assert isinstance(ended, socket.socket)
            if ended is supervisor:
                order = supervisor.recv(_ORDER_BYTES).decode()
                if not order:
                    os._exit(0)
                orders.append(order)
                continue
            selector.unregister(ended)
            gone = "1" if ended.recv(1) == b"1" else "0"
            _forget_times(nodes)
            ended.close()
            supervisor.send(f"{busy.pop(ended)} {gone}".encode())
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _world_writable(folder: Path) -> list[Path]:
    """Return the devices in a folder whose times anybody may set to now."""
    return [node for node in folder.iterdir() if not node.is_symlink() and node.stat().st_mode & stat.S_IWOTH]


def _forget_times(nodes: Iterable[Path]) -> None:
    """Set the times of what every run may touch, so that none finds when an earlier one did.

    These belong to this process's own uid; nothing that a run could put in their place does.
    """
    for place in (*nodes, *_SHARED_FOLDERS):
        with contextlib.suppress(OSError):
            os.utime(place, ns=(0, 0))


def _fork_helper() -> socket.socket | None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        child = os.fork()
    except OSError:  # the process limit is reached, for now
        ours.close()
        theirs.close()
        return None
    if child:
        theirs.close()
        return ours
    ours.close()
    order = theirs.recv(_ORDER_BYTES).decode()
    try:
        if order:
            uid, slot_gid, folder = order.split(" ", 2)
            theirs.send(b"1" if wipe(int(uid), int(slot_gid), Path(folder)) else b"0")
    finally:
        os._exit(0)  # without an answer, something may be left


def wipe(uid: int, slot_gid: int, slot_folder: Path) -> bool:
    """Act as ``uid``, end its processes, remove its files; return whether nothing is left."""
    os.setgroups([slot_gid, READERS_GID])
    os.setresgid(uid, uid, uid)
    own = _FIRST_HELPER_UID + slot_gid
    os.setresuid(own, uid, own)
    os.chdir("/")
    gone = _wait_until(lambda: not _end_processes())
    for folder in (slot_folder, *_SHARED_FOLDERS):
        gone = _empty(folder, uid) and gone
    return gone


def _wait_until(condition: Callable[[], bool]) -> bool:
    deadline, pause = time.monotonic() + _GONE_SECONDS, 0.0005
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
    return True


def _end_processes() -> bool:
    """Send SIGKILL to all that this uid may reach; return whether there was anybody.

    Only the kernel's word that there is nobody counts. A list of processes proves nothing: under
    gVisor this call is not atomic, and a chain of processes, each of which forks the next and
    ends, slips through it and through any list. The dead that nobody has asked about yet count
    as somebody; process 1 asks.
    """
    try:
        os.kill(-1, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _empty(folder: Path, uid: int) -> bool:
    """Remove what belongs to ``uid`` in a folder; return whether nothing of it is left."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, PermissionError):
        return True
    return all([_remove(entry) for entry in entries if _owner(entry) == uid])


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
        # Folders without permissions, or nested deeper than Python recurses.
        subprocess.run(["/bin/chmod", "-R", "u+rwx", "--", entry.path], check=False, capture_output=True)
        subprocess.run(["/bin/rm", "-rf", "--", entry.path], check=False, capture_output=True)
    return not os.path.lexists(entry.path)
