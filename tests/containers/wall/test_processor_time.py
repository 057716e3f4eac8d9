"""The processor time of a run has the work of all its processes in it, however they are started and left."""

from __future__ import annotations

from typing import Final

import pytest

from runner.engine.placement import GVISOR, Placement
from runner.verdict import Verdict
from tests.containers.conftest import RunSubmission

pytestmark = [pytest.mark.container, pytest.mark.slow]

WAYS: Final = ("nothing", "plainly", "in_a_child", "in_a_daemon", "in_threads", "and_goes_on", "sleeps")
WORKS: Final = f"""
import hashlib, os, subprocess, sys, threading, time
import torch

WAYS = {WAYS!r}
WORK = "import hashlib\\ndata = bytes(1 << 20)\\nfor _ in range(500): hashlib.sha256(data)"


def busy(): exec(WORK, {{}})
def nothing(): pass
def plainly(): busy()
def sleeps(): time.sleep(1.0)
def in_a_child(): subprocess.run([sys.executable, "-I", "-S", "-c", WORK], check=True)


def in_a_daemon():
    # nobody of the run waits for it: its parent has ended when it begins
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            busy()
            os.write(write, b"x")
        os._exit(0)
    os.wait()
    os.read(read, 1)


def in_threads():
    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()


def and_goes_on():
    busy()
    if os.fork() == 0:
        os.setsid()
        while True: pass


def unlearning(net, retain, forget, val):
    globals()[WAYS[torch.initial_seed()]]()
"""


@pytest.mark.parametrize("runtime", ["", GVISOR])
def test_all_work_of_a_run_is_counted(run_submission: RunSubmission, runtime: str) -> None:
    """In a child, in a process that nobody waits for, in threads, and not what it sleeps; a run that leaves a
    process behind does not add to the next one. By the host's counter: clocks within gVisor tick otherwise."""
    runs = run_submission(
        WORKS,
        range(len(WAYS)),
        runs_announced=len(WAYS),
        wall_seconds=60.0,
        placement=Placement(runtime=runtime),
    )
    assert [run.judgement.verdict for run in runs] == [Verdict.OK] * len(WAYS)
    used = {way: run.processor_seconds for way, run in zip(WAYS, runs, strict=True)}
    nothing, plainly = used["nothing"], used["plainly"]
    assert nothing is not None
    assert plainly is not None
    work = plainly - nothing
    assert work > 0.1
    times = {way: (seconds - nothing) / work for way, seconds in used.items() if seconds is not None}
    assert times.keys() == set(WAYS)
    assert min(times[way] for way in ("in_a_child", "in_a_daemon", "and_goes_on")) > 0.7, times
    assert times["in_threads"] > 1.4, times
    assert times["sleeps"] < 0.4, times
