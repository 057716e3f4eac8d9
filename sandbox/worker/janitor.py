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

from sandbox.protocol.jobs import READERS_GID
from sandbox.worker.fds import close_all_but

_SHARED_FOLDERS: Final = (Path("/tmp"), Path("/dev/shm"), Path("/dev/mqueue"))  # noqa: S108
_ORDER_BYTES: Final = 256
_FIRST_HELPER_UID: Final = 60_000
"""A helper's real uid is this plus its slot's gid: no run has it, nor a helper at work beside it."""
_NOBODY_ELSE: Final = 59_999
"""The uid of no process at all."""
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
    kernel_says = _kernel_says_nobody()
    waiting: list[socket.socket] = []
    busy: dict[socket.socket, tuple[str, Path]] = {}
    orders: list[str] = []
    nodes = touchable(Path("/dev"))
    selector = selectors.DefaultSelector()
    selector.register(supervisor, selectors.EVENT_READ)
    while True:
        while len(waiting) < helpers and (helper := _fork_helper(kernel_says)) is not None:
            waiting.append(helper)
        while orders and waiting:
            order, helper = orders.pop(0), waiting.pop()
            helper.send(order.encode())
            uid, _slot_gid, folder = order.split(" ", 2)
            busy[helper] = uid, Path(folder)
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
            uid, slot_folder = busy.pop(ended)
            _forget_times((*nodes, slot_folder))
            ended.close()
            supervisor.send(f"{uid} {gone}".encode())
        _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def touchable(folder: Path) -> list[Path]:
    """Return the devices and links in and below a folder whose times anybody may set to now."""
    found = [Path(inner) / name for inner, folders, files in os.walk(folder) for name in (*folders, *files)]
    return [node for node in found if node.lstat().st_mode & stat.S_IWOTH]


def _forget_times(nodes: Iterable[Path]) -> None:
    """Set the times of what every run may touch, so that none finds when an earlier one did.

    These belong to this process's own uid; nothing that a run could put in their place does.
    """
    for place in (*nodes, *_SHARED_FOLDERS):
        with contextlib.suppress(OSError):
            os.utime(place, ns=(0, 0), follow_symlinks=False)


def _fork_helper(kernel_says: bool) -> socket.socket | None:
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
            theirs.send(b"1" if wipe(int(uid), int(slot_gid), Path(folder), kernel_says) else b"0")
    finally:
        os._exit(0)  # without an answer, something may be left


def _kernel_says_nobody() -> bool:
    """Return whether `kill` of everybody fails when there is nobody whom it may reach.

    POSIX wants that, and gVisor does it. Linux fails only if there is no other process at all,
    but holds its list of processes meanwhile, so that none is forked past the signal.
    """
    asks = os.fork()
    if asks == 0:
        try:
            os.setgroups([])
            os.setresgid(_NOBODY_ELSE, _NOBODY_ELSE, _NOBODY_ELSE)
            os.setresuid(_NOBODY_ELSE, _NOBODY_ELSE, _NOBODY_ELSE)
            os.kill(-1, 0)
        except (ProcessLookupError, PermissionError):
            os._exit(1)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(asks, 0)[1]) == 1


def wipe(uid: int, slot_gid: int, slot_folder: Path, kernel_says: bool) -> bool:
    """Act as ``uid``, end its processes, remove its files; return whether nothing is left.

    ``kernel_says``: that nobody is left (`_kernel_says_nobody`); otherwise a list tells.
    """
    os.setgroups([slot_gid, READERS_GID])
    os.setresgid(uid, uid, uid)
    own = _FIRST_HELPER_UID + slot_gid
    os.setresuid(own, uid, own)
    os.chdir("/")
    gone = _wait_until(lambda: not _end_processes(uid, kernel_says))
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


def _end_processes(uid: int, kernel_says: bool) -> bool:
    """Send SIGKILL to all that this uid may reach; return whether any of its processes lives.

    Where the kernel says so itself, only its word counts: under gVisor neither this call nor a
    list of processes is a moment's picture, and a chain of processes, each of which forks the next
    and ends, slips through both. The dead that process 1 has not asked about yet count as living.
    """
    try:
        os.kill(-1, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return kernel_says or any(_lives_as(uid, int(name)) for name in os.listdir("/proc") if name.isdigit())


def _lives_as(uid: int, process: int) -> bool:
    if process == os.getpid():
        return False
    try:
        lines = Path(f"/proc/{process}/status").read_bytes().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return is_alive(lines) and str(uid).encode() in _values(lines).get(b"Uid", b"").split()


def is_alive(lines: Iterable[bytes]) -> bool:
    """Return whether anything of a process lives, from the lines of its ``status``.

    A process whose first thread has ended is a zombie while its other threads live. Those have
    been killed, but may be within a system call that still makes a file.
    """
    values = _values(lines)
    ended = values.get(b"State", b"").split()[:1] in ([], [b"Z"], [b"X"])
    return not ended or int(values.get(b"Threads", b"0")) > 1


def _values(lines: Iterable[bytes]) -> dict[bytes, bytes]:
    # Bytes, since a process names itself as it likes. One that ends while it is read may
    # show less than all of its lines, or nothing.
    wanted = (b"State:", b"Uid:", b"Threads:")
    return dict(line.split(b":", 1) for line in lines if line.startswith(wanted))


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
