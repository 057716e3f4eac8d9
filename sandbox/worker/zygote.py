"""The zygote: the process from which every run is forked, and which never reads a byte of a run.

It has imported torch and mapped the data. The supervisor requests the forks, and the zygote reports
when a child has ended. A run's seed, its logs and its result go through pipes that the zygote passes to
the child and closes: if it read them, the next run could find them in its memory.
Nor does it keep how a run has ended: a run can choose the eight bits of its exit code.
It is single-threaded on purpose: threads do not survive a fork.
"""

from __future__ import annotations

import array
import ctypes
import json
import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from sandbox.worker.fds import PipeEnds, close_all_but

if TYPE_CHECKING:
    from sandbox.worker.child import RunInputs


_MESSAGE_BYTES: Final = 1024
_UNREADY: Final = b"unready: "
_ENDS_BYTES: Final = 4 * len(PipeEnds._fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The request to fork one run. An attack searches for this class by name (`look_through_the_objects`)."""

    index: int
    uid: int
    slot_gid: int
    scratch: str


class _Ended(ctypes.Structure):
    """What the zygote sends of a run that has ended.

    The kernel writes the status here, and it is overwritten once it is sent. As an object of Python it would
    stay in memory that has been freed, where the next run could find it.
    """

    _fields_ = (("index", ctypes.c_int), ("status", ctypes.c_int))


class UnreadyError(Exception):
    """The zygote cannot use its inputs; the text states the reason in one line."""


class Zygote:
    """The supervisor's handle to the zygote process."""

    def __init__(self, load: Callable[[], RunInputs]) -> None:
        """Fork the zygote; it calls ``load``, reports that it is ready, and serves."""
        self.socket, zygote_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            close_all_but(zygote_end.fileno())
            _serve(zygote_end, _load_or_exit(zygote_end, load))
        zygote_end.close()

    def await_ready(self) -> None:
        """Wait until the zygote has loaded everything.

        Raises:
            ConnectionError: the zygote ended before that.
            UnreadyError: the zygote cannot use its inputs.
        """
        message = self.socket.recv(_MESSAGE_BYTES)
        if message.startswith(_UNREADY):
            raise UnreadyError(message.removeprefix(_UNREADY).decode(errors="replace"))
        if message != b"ready":
            raise ConnectionError("the zygote is gone")

    def fork(self, order: Order, ends: PipeEnds) -> None:
        """Have a run forked that uses these ends of its pipes; the caller closes its own copies."""
        fds = array.array("i", ends)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
        self.socket.sendmsg([json.dumps(asdict(order)).encode()], ancillary)

    def receive_ended(self) -> tuple[int, int]:
        """Receive the index and the wait status of a run whose process has ended.

        Raises:
            ConnectionError: the zygote is gone.
        """
        message = self.socket.recv(_MESSAGE_BYTES)
        if not message:
            raise ConnectionError("the zygote is gone")
        ended = _Ended.from_buffer_copy(message)
        return ended.index, ended.status


def _load_or_exit(supervisor: socket.socket, load: Callable[[], RunInputs]) -> RunInputs:
    try:
        return load()
    except UnreadyError as error:
        supervisor.send((_UNREADY + str(error).encode())[:_MESSAGE_BYTES])
        os._exit(1)


def _serve(supervisor: socket.socket, inputs: RunInputs) -> NoReturn:
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, int] = {}
    supervisor.send(b"ready")
    while True:
        readable, _, _ = select.select([supervisor.fileno(), wake_read], [], [])
        if wake_read in readable:
            os.read(wake_read, 1)  # a byte at a time: how many there were, is a run's doing, too
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
            children[_fork(order, inputs, PipeEnds(*fds))] = order.index
        _report_ended(supervisor, children)


def _fork(order: Order, inputs: RunInputs, ends: PipeEnds) -> int:
    from sandbox.worker.child import RunIdentity, run  # noqa: PLC0415 - imports torch, which the supervisor never does

    require_unused_gpu()
    process = os.fork()
    if process == 0:
        identity = RunIdentity(
            uid=order.uid, slot_gid=order.slot_gid, scratch=Path(order.scratch), pipe_ends=ends
        )
        run(inputs, identity)
    for fd in ends:
        os.close(fd)
    return process


def require_unused_gpu() -> None:
    """Check that this process has not begun to use CUDA, so that its children can.

    Raises:
        RuntimeError: it has; no run that is forked from now on could use the device.
    """
    import torch  # noqa: PLC0415 - only the zygote calls this, which has imported it

    if torch.cuda.is_initialized() or torch.cuda._is_in_bad_fork():  # torch has no public question
        raise RuntimeError("the zygote has begun to use CUDA, so no run could use it")


def _report_ended(supervisor: socket.socket, children: dict[int, int]) -> None:
    libc, ended = ctypes.CDLL(None), _Ended()
    status = ctypes.byref(ended, _Ended.status.offset)
    while True:  # also where no run is left: a run may have made its own processes children of this one
        process = libc.waitpid(-1, status, os.WNOHANG)
        if process in children:
            ended.index = children.pop(process)
            supervisor.send(ended)
        ended.status = 0
        if process <= 0:
            return
