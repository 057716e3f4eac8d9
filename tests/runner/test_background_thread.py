"""Ctrl-C interrupts the wait for a thread, and nothing else."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from runner.background_thread import BackgroundThread


def test_an_interrupted_wait_is_resumed() -> None:
    """The thread works on, and says so; the next wait lasts until it has ended."""
    may_end, ended = threading.Event(), threading.Event()

    def work() -> None:
        may_end.wait()
        ended.set()

    thread = BackgroundThread(work, name="worker")
    thread.start()
    for _number in range(3):
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            thread.wait()
        assert thread.is_working()
    may_end.set()
    thread.wait()
    assert ended.is_set()
    assert not thread.is_working()


def test_a_thread_that_was_not_started_is_not_awaited() -> None:
    """A command that ends before it starts its threads ends."""
    thread = BackgroundThread(lambda: None, name="worker")
    thread.wait()
    assert not thread.is_working()
