"""Captures what is really observed of each way to end, for the table that `judge` is tested with.

Run it by hand on a new engine or runtime; it adds to the record, which is committed::

    .venv/bin/python tests/containers/capture_observations.py CHALLENGE [RUNTIME [WALL_SECONDS]]

An emulated machine needs more than the five seconds that a run is given otherwise.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from runner.challenge.load import load_challenge
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.connect import connect_engine
from runner.engine.container_spec import FIRST_UID, worker_container
from runner.engine.placement import Placement
from runner.engine.session import container_session
from runner.files import write_atomic
from runner.image.image import require_image
from runner.submission.load import load_submission
from runner.units import MIB
from tests.support.paths import RUNNER_GOLDEN

RECORD = RUNNER_GOLDEN / "observations.json"

SOURCE = """
import ctypes, os, signal, struct, sys, threading, time, torch

def fine(net): pass
def raises(net): raise ValueError("no such luck")
def leaves(net): os._exit(0)
def exits(net): sys.exit(3)
def kills_itself(net): os.kill(os.getpid(), signal.SIGKILL)
def segfaults(net): ctypes.string_at(0)
def aborts(net): os.abort()
def not_finite(net): net.fc.bias.data[0] = float("nan")
def other_shape(net): net.fc = torch.nn.Linear(64, 11)
def huge(net): net.register_buffer("big", torch.zeros(5_000_000))
def garbage(net): os.write(3, b"\\xff" * 64)
def loops(net):
    while True: pass
def ignores_signals(net):
    for number in range(1, 32):
        try: signal.signal(number, signal.SIG_IGN)
        except OSError: pass
    time.sleep(1000)
def blocks_in_c(net): ctypes.PyDLL(None).sleep(1000)
def eats():
    kept = []
    while True: kept.append(b"x" * (32 << 20))
def eats_memory(net): eats()
def child_eats_memory(net):
    child = os.fork()
    if child == 0: eats()
    os.waitpid(child, 0)
    raise RuntimeError("the child is gone")
def child_eats_memory_and_all_is_well(net):
    child = os.fork()
    if child == 0: eats()
    os.waitpid(child, 0)
def child_eats_memory_and_it_leaves(net):
    child = os.fork()
    if child == 0: eats()
    os.waitpid(child, 0)
    os._exit(0)
def allocates_too_much(net): torch.empty(1 << 45)
def fills_scratch(net):
    with open("full", "wb") as file:
        while True: file.write(bytes(1 << 20))
def fork_bomb(net):
    while True:
        try: os.fork()
        except OSError: pass
def thread_bomb(net):
    while True:
        try: threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
        except Exception: pass

ALL = [NAMES]

def unlearning(net, retain, forget, val):
    ALL[torch.initial_seed()](net)
"""
NAMES = [line[4:].split("(")[0] for line in SOURCE.splitlines() if line.startswith("def ")]
NAMES = [name for name in NAMES if name not in ("eats", "unlearning")]


def main() -> None:
    """Capture everything under one runtime."""
    folder, runtime = Path(sys.argv[1]), (sys.argv[2:] or [""])[0]
    wall_seconds = float((sys.argv[3:] or ["5"])[0])
    engine = connect_engine()
    info = engine.info().for_record()
    image = require_image(engine)
    challenge = load_challenge(folder)
    changed = challenge.with_limits(
        wall_seconds=wall_seconds,
        memory_bytes=768 * MIB,
        concurrency=1,
        processes=64,
        scratch_bytes=32 * MIB,
    )
    limits = changed.description.limits
    placement = Placement(runtime=runtime)
    submission_file = Path(sys.argv[1]).parent / "observed.py"
    submission_file.write_text(SOURCE.replace("NAMES", ", ".join(NAMES)))
    submission = load_submission(submission_file)
    ended: dict[int, EndedRun] = {}
    with container_session(engine) as labels:
        while missing := [index for index in range(len(NAMES)) if index not in ended]:
            spec = worker_container(image=image.tag, limits=limits, labels=labels, placement=placement)
            container = engine.start(spec)
            try:
                worker = WorkerClient(
                    stream=container,
                    challenge=changed,
                    submission=submission,
                    runs=1,
                    first_uid=FIRST_UID,
                    placement=placement,
                )
                for run in worker.execute([PlannedRun(index=index, seed=index) for index in missing]):
                    ended[run.index] = run
            finally:
                container.remove()
    source = {
        "engine": info["engine"],
        "runtime": runtime or info["runtime"],
        "cgroup": info["cgroup"],
        "kernel": platform.release().split("-")[0],
        "runtime_version": _version(runtime or info["runtime"]),
    }
    rows: list[dict[str, Any]] = json.loads(RECORD.read_text()) if RECORD.exists() else []
    rows = [row for row in rows if row["source"] != source]
    for index, name in enumerate(NAMES):
        observation = asdict(ended[index].observation)
        if observation["error"]:
            observation["error"]["traceback"] = ""
        observation["host_seconds"] = round(observation["host_seconds"], 3)
        usual = {item.name: item.default for item in dataclasses.fields(type(ended[index].observation))}
        changes = {key: value for key, value in observation.items() if usual[key] != value}
        verdict = str(ended[index].judgement.verdict)
        rows.append({"what": name, "source": source, "verdict": verdict, "seen": changes})
        print(f"{name:36} {verdict:15} {ended[index].judgement.detail[:90]}")
    write_atomic(RECORD, (json.dumps(rows, indent=1) + "\n").encode())


def _version(runtime: str) -> str:
    done = subprocess.run([runtime, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0].split()[-1]


if __name__ == "__main__":
    main()
