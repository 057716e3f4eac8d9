"""The processor time of a run has the work of all its processes in it, however they are started and left."""

from __future__ import annotations

from typing import Final

import pytest

from runner.clients.runs import EndedRun
from runner.engine.placement import GVISOR, Placement
from runner.verdict import Verdict
from tests.containers.conftest import RunSubmission

pytestmark = [pytest.mark.container, pytest.mark.slow]

BUSY_SECONDS: Final = 1.0
WAYS: Final = ("nothing", "plainly", "in_a_child", "in_a_daemon", "in_threads", "and_goes_on", "sleeps")
WORKS: Final = f"""
import hashlib, os, subprocess, sys, threading, time
import torch

BUSY = {BUSY_SECONDS}
WAYS = {WAYS!r}
DATA = bytes(1 << 20)


def busy(clock=time.process_time):
    end = clock() + BUSY
    while clock() < end:
        hashlib.sha256(DATA)  # without the lock of the interpreter


def nothing(): pass
def plainly(): busy()
def sleeps(): time.sleep(BUSY)


def in_a_child():
    code = "import time\\nend = time.process_time() + %s\\nwhile time.process_time() < end: pass" % BUSY
    subprocess.run([sys.executable, "-I", "-c", code], check=True)


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
    threads = [threading.Thread(target=busy, args=(time.thread_time,)) for _ in range(2)]
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


def seconds_of(runs: list[EndedRun]) -> dict[str, float]:
    assert [run.judgement.verdict for run in runs] == [Verdict.OK] * len(WAYS)
    seconds = {way: run.processor_seconds for way, run in zip(WAYS, runs, strict=True)}
    return {way: value for way, value in seconds.items() if value is not None}


@pytest.mark.parametrize("runtime", ["", GVISOR])
def test_all_work_of_a_run_is_counted(run_submission: RunSubmission, runtime: str) -> None:
    """In a child, in a process that nobody waits for, in threads, and not what it sleeps; a run that leaves a
    process behind does not add to the next one."""
    runs = run_submission(
        WORKS,
        range(len(WAYS)),
        runs_announced=len(WAYS),
        wall_seconds=60.0,
        placement=Placement(runtime=runtime),
    )
    seconds = seconds_of(runs)
    assert seconds.keys() == set(WAYS)
    least = 0.9 * BUSY_SECONDS
    for way in ("plainly", "in_a_child", "in_a_daemon", "and_goes_on"):
        assert seconds[way] >= least, (way, seconds)
    assert seconds["in_threads"] >= 2 * least
    assert max(seconds["nothing"], seconds["sleeps"]) < least
