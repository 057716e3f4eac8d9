"""The program that makes objects of the kernel ends all other processes, so it refuses to run outside of a container."""

from __future__ import annotations

import io
import os

import pytest

from sandbox.worker import kernel_memory
from sandbox.worker.kernel_objects import KINDS

MESSAGE = "as process 1 of a container only"
PROCESS = os.getpid()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return which dangerous calls were made; none of them does anything here."""
    calls: list[str] = []

    def fork() -> int:
        calls.append("fork")
        return 1

    def kill(process: int, _number: int) -> None:
        calls.append(f"kill {process}")

    def prctl(*_words: int) -> int:
        calls.append("prctl")
        return 0

    def wait() -> tuple[int, int]:
        raise ChildProcessError

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(os, "fork", fork)
    monkeypatch.setattr(os, "wait", wait)
    monkeypatch.setattr(os, "read", lambda _fd, _count: b"\x01\0\0\0")
    monkeypatch.setattr("sandbox.worker.kernel_memory._libc.prctl", prctl)
    monkeypatch.setattr("sys.stdin", io.StringIO("nothing 1\n\n"))
    return calls


def test_the_program_refuses_to_start_outside_of_a_container(calls: list[str]) -> None:
    """With a sentence, before it does anything: not even the privileges of the process change."""
    with pytest.raises(SystemExit, match=MESSAGE):
        kernel_memory.main()
    assert calls == []


@pytest.mark.parametrize("kind", sorted(KINDS)[:3])
def test_no_kind_is_made_outside_of_a_container(calls: list[str], kind: str) -> None:
    """Whoever calls the function."""
    with pytest.raises(SystemExit, match=MESSAGE):
        kernel_memory.serve_kind(kind, 1, b"")
    assert calls == []


def test_nothing_is_ended_by_another_process_than_1(
    calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a fork: the check comes again right before the signal."""
    processes = iter([1, PROCESS])
    monkeypatch.setattr(os, "getpid", lambda: next(processes, PROCESS))
    with pytest.raises(SystemExit, match=MESSAGE):
        kernel_memory.serve_kind("nothing", 1, b"")
    assert calls == ["fork"] * kernel_memory.PROCESSES


def test_process_1_ends_the_others(
    calls: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It answers with the number of objects, then with 0."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    kernel_memory.serve_kind("nothing", 1, b"")
    assert calls == [*["fork"] * kernel_memory.PROCESSES, "kill -1"]
    assert capsys.readouterr().out == f"{kernel_memory.PROCESSES}\n0\n"
