"""The zygote: the process that every run is forked from, and that never sees a byte of one.

It has imported torch and mapped the data; it is told by the supervisor whom to fork and
tells when a child has ended. A run's seed, what it prints and what it returns go through pipes
that it hands to the child and closes: were it to read them, the next run could find them in its
memory.
Single-threaded on purpose: threads do not survive a fork.
"""

from __future__ import annotations

import array
import json
import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from sandbox.worker.fds import RunEnds, close_all_but

if TYPE_CHECKING:
    from sandbox.worker.child import RunInputs


_MESSAGE_BYTES: Final = 1024
_UNREADY: Final = b"unready: "
_ENDS_BYTES: Final = 4 * len(RunEnds._fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One run to be forked."""

    index: int
    uid: int
    slot_gid: int
    scratch: str


class UnreadyError(Exception):
    """What the zygote was given is of no use; the text says why, in one line."""


class Zygote:
    """The supervisor's handle on the zygote."""

    def __init__(self, load: Callable[[], RunInputs]) -> None:
        """Fork it; it calls ``load``, says that it is ready, and serves."""
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            close_all_but(theirs.fileno())
            _serve(theirs, _loaded(theirs, load))
        theirs.close()

    def await_ready(self) -> None:
        """Wait until it has loaded everything.

        Raises:
            ConnectionError: it ended before.
            UnreadyError: what it was to load is of no use.
        """
        message = self.socket.recv(_MESSAGE_BYTES)
        if message.startswith(_UNREADY):
            raise UnreadyError(message.removeprefix(_UNREADY).decode(errors="replace"))
        if message != b"ready":
            raise ConnectionError("the zygote is gone")

    def fork(self, order: Order, ends: RunEnds) -> None:
        """Have a run forked that reads its seed and writes into these; the caller closes its own copies."""
        fds = array.array("i", ends)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        self.socket.sendmsg([json.dumps(asdict(order)).encode()], ancillary)

    def ended(self) -> tuple[int, int]:
        """Return index and wait status of a run's process that has ended.

        Raises:
            ConnectionError: the zygote is gone.
        """
        message = self.socket.recv(_MESSAGE_BYTES)
        if not message:
            raise ConnectionError("the zygote is gone")
        index, status = message.split()
        return int(index), int(status)


def _loaded(supervisor: socket.socket, load: Callable[[], RunInputs]) -> RunInputs:
    try:
        return load()
    except UnreadyError as error:
        supervisor.send((_UNREADY + str(error).encode())[:_MESSAGE_BYTES])
        os._exit(1)


def _serve(supervisor: socket.socket, material: RunInputs) -> NoReturn:
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, int] = {}
    supervisor.send(b"ready")
    while True:
        readable, _, _ = select.select([supervisor.fileno(), wake_read], [], [])
        if wake_read in readable:
            os.read(wake_read, 4096)
        if supervisor.fileno() in readable:
            message, ancillary, _flags, _address = supervisor.recvmsg(
                _MESSAGE_BYTES, socket.CMSG_SPACE(_ENDS_BYTES)
            )
            if not message:
                os._exit(0)
            fds = array.array("i")
            for _level, _kind, data in ancillary:
                fds.frombytes(data)
            order = Order(**json.loads(message))
            children[_fork(order, material, RunEnds(*fds))] = order.index
        _tell_of_ended(supervisor, children)


def _fork(order: Order, material: RunInputs, ends: RunEnds) -> int:
    from sandbox.worker.child import RunIdentity, run  # noqa: PLC0415 - imports torch, which the supervisor never does

    process = os.fork()
    if process == 0:
        seat = RunIdentity(uid=order.uid, slot_gid=order.slot_gid, scratch=Path(order.scratch), ends=ends)
        run(material, seat)
    for fd in ends:
        os.close(fd)
    return process


def _tell_of_ended(supervisor: socket.socket, children: dict[int, int]) -> None:
    while children:
        process, status = os.waitpid(-1, os.WNOHANG)
        if process == 0:
            return
        if process in children:
            supervisor.send(f"{children.pop(process)} {status}".encode())
