"""Nothing of a run is left for the next one, and two runs at the same time cannot meet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun
from runner.engine.placement import Isolation
from runner.evaluation.evaluate import evaluate
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.submission.load import load_submission
from runner.verdict import Verdict

pytestmark = pytest.mark.container

RunSubmission = Callable[..., list[EndedRun]]

MAKES_AND_MOVES = """
import array, json, os, random, socket, stat, torch

FOLDERS = ["/tmp", "/dev/shm", ".", os.environ["HOME"], "/dev/mqueue", "/scratch", "/scratch/0", "/var/tmp", "/run"]

def look():
    left = []
    for top in FOLDERS:
        for place, folders, files in os.walk(top):
            for name in (*folders, *files):
                path = os.path.join(place, name)
                try:
                    owner = os.lstat(path).st_uid
                except OSError:
                    continue
                if owner >= 10_000 and owner != os.getuid():
                    left.append([path, owner])
    return left

def unlearning(net, retain, forget, val):
    before = look()
    rng, made = random.Random(torch.initial_seed()), ["/tmp", "/dev/shm", "."]
    os.umask(0)
    held = []
    for number in range(400):
        kind = rng.choice(["mkdir", "file", "fifo", "socket", "link", "symlink", "rename", "chmod", "chdir", "pass", "fork"])
        place = rng.choice(made)
        path = os.path.join(place, f"n{number}")
        try:
            if kind == "mkdir":
                os.mkdir(path, rng.choice([0o777, 0o000, 0o1777, 0o700])); made.append(path)
            elif kind == "file":
                held.append(os.open(path, os.O_CREAT | os.O_RDWR, rng.choice([0o666, 0o000])))
            elif kind == "fifo":
                os.mkfifo(path)
            elif kind == "socket":
                unix = socket.socket(socket.AF_UNIX); unix.bind(path); unix.listen(); held.append(unix)
            elif kind == "link":
                os.link(os.path.join(place, rng.choice(os.listdir(place))), path)
            elif kind == "symlink":
                os.symlink(rng.choice(made), path)
            elif kind == "rename":
                os.rename(rng.choice(made[3:]), path)
            elif kind == "chmod":
                os.chmod(rng.choice(made[3:]), rng.choice([0o000, 0o555, 0o1777]))
            elif kind == "chdir":
                os.chdir(rng.choice(made))
            elif kind == "pass":
                one, other = socket.socketpair()
                socket.send_fds(one, [b"x"], [os.open(place, os.O_RDONLY), other.fileno()])
                held += [one, other]
            elif len(held) < 300 and os.fork() == 0:
                os.setsid()
                while True:
                    try: os.mkdir(os.path.join(rng.choice(made), f"late{os.getpid()}-{rng.random()}"))
                    except OSError: pass
        except (OSError, IndexError):
            pass
    print(json.dumps(before))
"""


def test_nothing_that_a_run_makes_or_moves_outlives_it(run_submission: RunSubmission) -> None:
    """Whatever calls made it, at any depth, with processes that go on making more until they are killed."""
    ended = run_submission(MAKES_AND_MOVES, range(4), processes=64)
    assert [run.judgement.verdict for run in ended] == [Verdict.OK] * 4, [run.judgement for run in ended]
    for run in ended:
        assert json.loads(run.log.splitlines()[-1]) == [], f"run {run.index} found something"


MEETS = r"""
import os, time, torch

def owner_of(process):
    try:
        lines = open(f"/proc/{process}/status").read().splitlines()
    except OSError:
        return 0
    fields = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return 0 if fields["State"].startswith("Z") else int(fields["Uid"].split()[0])

def unlearning(net, retain, forget, val):
    for folder in ("/tmp", "/dev/shm"):
        assert os.listdir(folder) == [], os.listdir(folder)
        open(f"{folder}/mine", "x").close()
        with open(f"{folder}/fill", "wb") as file: file.write(bytes(40 << 20))
    owners = set()
    for _ in range(10):
        owners |= {owner_of(name) for name in os.listdir("/proc") if name.isdigit()}
        time.sleep(0.05)
    assert {owner for owner in owners if 10_000 <= owner < 59_999} == {os.getuid()}, owners
    with torch.no_grad(): net.fc.bias.add_(torch.randn(10))
"""


@pytest.mark.parametrize("isolation", ["process", "container"])
def test_runs_at_the_same_time_meet_nowhere(
    evaluation_context: Callable[..., EvaluationContext],
    challenge: Challenge,
    tmp_path: Path,
    isolation: Isolation,
) -> None:
    """Each has the whole /tmp and /dev/shm that its limits state, and sees no process of another."""
    (tmp_path / "meets.py").write_text(MEETS)
    limits = {"concurrency": 2, "cpus": 2.0, "shared_memory_bytes": 48 << 20, "scratch_bytes": 48 << 20}
    settings = Settings(n=6, keep_going=True, keep_checkpoints=False, isolation=isolation)
    context = evaluation_context(tmp_path / "store")
    summary = evaluate(
        context, load_submission(tmp_path / "meets.py"), challenge.with_limits(**limits), settings
    )
    details = [run.detail for run in context.store.runs(summary.evaluation)]
    assert summary.verdicts == {"ok": 6}, details
