"""The zygote tells the supervisor how a run has ended, and keeps nothing of it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator

import pytest

from sandbox.worker import zygote
from sandbox.worker.zygote import Zygote


def fork_and_end(code: int) -> int:
    child = os.fork()
    if child == 0:
        if code < 0:
            os.kill(os.getpid(), -code)
        os._exit(code)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    return child


@pytest.fixture
def handle() -> Iterator[tuple[Zygote, socket.socket]]:
    """Return the supervisor's handle without a process behind it, and the zygote's end."""
    handle = Zygote.__new__(Zygote)
    handle.socket, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    yield handle, end
    handle.socket.close()
    end.close()


@pytest.mark.parametrize("code", [0, 1, 77, 255, -signal.SIGKILL, -signal.SIGSEGV])
def test_the_status_of_a_run_arrives(handle: tuple[Zygote, socket.socket], code: int) -> None:
    children = {fork_and_end(code): 511}
    zygote._report_ended(handle[1], children)
    index, status = handle[0].receive_ended()
    assert (index, os.waitstatus_to_exitcode(status), children) == (511, code, {})


def test_only_runs_are_reported_and_all_are_reaped(handle: tuple[Zygote, socket.socket]) -> None:
    """A run can make processes that are children of the zygote."""
    stranger, run = fork_and_end(99), fork_and_end(3)
    zygote._report_ended(handle[1], {run: 7, os.getpid(): 8})
    assert handle[0].receive_ended() == (7, 3 << 8)
    handle[1].close()
    with pytest.raises(ConnectionError):
        handle[0].receive_ended()
    with pytest.raises(ChildProcessError):
        os.waitpid(stranger, 0)
