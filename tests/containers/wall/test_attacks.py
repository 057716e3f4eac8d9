"""Attacks that once worked against this project, each beside what an honest run may do.

The full gallery is to come; these were found by attacking the first version.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun
from runner.verdict import Verdict
from tests.support.command import type_command

pytestmark = pytest.mark.container

RunSubmission = Callable[..., list[EndedRun]]


def verdicts(ended: list[EndedRun]) -> list[Verdict]:
    return [run.judgement.verdict for run in ended]


def test_a_process_may_name_itself_as_it_likes(run_submission: RunSubmission) -> None:
    """A name that is no text once ended the janitor, and with it the container."""
    source = """
import ctypes, os, time
def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(15, b"\\xff\\xfe\\nUid:\\t0", 0, 0, 0)
    if os.fork() == 0: time.sleep(1000)
"""
    assert verdicts(run_submission(source, range(4))) == [Verdict.OK] * 4


def test_a_run_finds_nothing_of_earlier_ones_in_its_memory(run_submission: RunSubmission) -> None:
    """Neither what they printed nor what they returned; it does find its own."""
    source = """
import ctypes, json, os, re, torch
def scan(pattern):
    found = set()
    for line in open("/proc/self/maps").read().splitlines():
        columns = line.split()
        if "rw" not in columns[1] or (len(columns) > 5 and columns[5].startswith("[v")): continue
        at, end = (int(value, 16) for value in columns[0].split("-"))
        data = ctypes.string_at(at, end - at)
        found.update(match.group(1).decode() for match in pattern.finditer(data))
    return sorted(found)
def unlearning(net, retain, forget, val):
    pattern = re.compile(b"M" + b"K([0-9a-f]{16})KM")
    before = scan(pattern)
    mark = "MK" + os.urandom(8).hex() + "KM"
    print(json.dumps([mark[2:18], before, scan(pattern)]))
    print((mark + " ") * 3000)
    weight = net.fc.weight.data
    text = (mark * 1000).encode()[: weight.numel() * 4]
    net.fc.weight.data = torch.frombuffer(bytearray(text), dtype=torch.float32).reshape(weight.shape).clone()
"""
    ended = run_submission(source, range(4))
    assert verdicts(ended) == [Verdict.OK] * 4, ended
    for run in ended:
        own, before, after = json.loads(run.log.splitlines()[0])
        assert before == [], f"run {run.index} read an earlier run's memory"
        assert after == [own]


def test_a_result_in_time_counts_however_long_clearing_takes(run_submission: RunSubmission) -> None:
    """A run's time stops with its result; ending 200 processes and a deep tree is ours. What lies between a
    run's last step and the next one's first is clearing, for the most part."""
    source = """
import json, os, time
def unlearning(net, retain, forget, val):
    begun = time.monotonic()
    for _ in range(200):
        if os.fork() == 0: time.sleep(1000)
    for _ in range(4000):
        os.mkdir("d"); os.chdir("d")
    print(json.dumps([begun, time.monotonic()]))
"""
    ended = run_submission(source, [0, 1])
    assert verdicts(ended) == [Verdict.OK] * 2, ended
    (start, done), (next_start, _done) = (json.loads(run.log) for run in ended)
    counted, clearing = ended[0].host_seconds - (done - start), next_start - done
    assert counted < clearing / 2, (counted, clearing)


def test_exceptions_that_fight_back_are_named_all_the_same(run_submission: RunSubmission) -> None:
    """Their text is the submission's code; nothing of it runs on in the supervisor's place."""
    source = """
import torch
class Text(str):
    def __getitem__(self, _what): raise SystemExit
class Bad(Exception):
    def __str__(self): raise SystemExit
class Odd(Exception):
    def __str__(self): return Text("odd words")
def unlearning(net, retain, forget, val):
    raise [Bad, Odd, type("", (Exception,), {})][torch.initial_seed()]
"""
    ended = run_submission(source, range(3))
    assert verdicts(ended) == [Verdict.CRASHED] * 3, ended
    details = [run.judgement.detail for run in ended]
    assert details[0].startswith("Bad: (the exception could not be printed)")
    assert details[1] == "Odd: odd words (submission.py, line 10)"
    assert details[2] == "an exception without a name (submission.py, line 10)"


def test_files_that_take_all_memory_are_the_runs_doing(run_submission: RunSubmission) -> None:
    """They outlive its processes, so that the servants are killed after it; it was taken for a failure of ours."""
    source = """
import os
def unlearning(net, retain, forget, val):
    if os.fork() == 0:
        with open("all", "wb", buffering=0) as file:
            while file.write(bytes(1 << 22)): pass
    os.wait()
"""
    (ended,) = run_submission(source, memory_bytes=64 << 20, scratch_bytes=64 << 30)
    assert ended.judgement.verdict is Verdict.MEMORY_LIMIT


def test_shared_memory_is_limited_in_files_too(run_submission: RunSubmission) -> None:
    """A million small files would take their time to be removed."""
    source = """
import errno, os
def unlearning(net, retain, forget, val):
    try:
        for index in range(100_000): open(f"/dev/shm/{index}", "w").close()
    except OSError as error: print(index, errno.errorcode[error.errno])
"""
    (ended,) = run_submission(source, scratch_inodes=1000)
    count, reason = ended.log.split()
    assert reason == b"ENOSPC"
    assert int(count) < 1000


def test_enormous_finite_weights_are_scored_like_any_others(challenge: Challenge, tmp_path: Path) -> None:
    """They once read as damage on our side."""
    (tmp_path / "huge").mkdir()
    (tmp_path / "huge" / "submission.py").write_text("""
import torch
def unlearning(net, retain, forget, val):
    with torch.no_grad():
        net.fc.weight.zero_()
        net.fc.bias.fill_(3e38)
""")
    done = type_command(
        *("run", tmp_path / "huge", "-c", challenge.folder, "-n", 4, "--json", "--store", tmp_path / "store")
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["score"] == 0
    assert "Warning" not in done.stderr
