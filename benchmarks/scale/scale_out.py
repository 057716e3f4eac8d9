"""Measure what several devices of one machine are worth: real containers, runs that sleep.

Each device gets as many submissions as the single one: on k devices the same command then has k times the
work, and should take as long. The efficiency is the ratio of the two wall times, of whole commands: start of
the processes, containers, runs, evaluation of checkpoints, score. Runs sleep, so four devices fit on two
cores; starting a container does not sleep, and its share falls with the length of an evaluation.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, Final

MIN_EFFICIENCY: Final = 0.95
SLEEPS: Final = """\
import time

import torch


def unlearning(net, retain, forget, val):  # {name}
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight) * 0.01)
    time.sleep({seconds})
"""


def unlearn(*words: object) -> str:
    """Run a command and return its stdout; its progress goes to this process's stderr."""
    return subprocess.run(
        [sys.executable, "-m", "runner.cli", *map(str, words)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def evaluate(folder: Path, devices: int, *, rounds: int, runs: int, seconds: float) -> dict[str, Any]:
    """Evaluate ``rounds`` submissions on each device; return wall time and how the runs ended."""
    submissions = []
    for _number in range(devices * rounds):
        name = f"sleeps-{uuid.uuid4().hex[:8]}"
        submissions.append(folder / f"{name}.py")
        submissions[-1].write_text(SLEEPS.format(name=name, seconds=seconds))
    began = time.monotonic()
    text = unlearn(
        *("run", *submissions, "-c", folder / "challenge", "-n", runs, "--store", folder / "store"),
        *("--devices", f"cpu:{devices}", "--json"),
    )
    wall = time.monotonic() - began
    results = [json.loads(line) for line in text.splitlines()]
    assert all(each["verdicts"] == {"ok": runs} for each in results), results
    return {
        "devices": devices,
        "evaluations": len(results),
        "wall_seconds": round(wall, 1),
        "evaluation_seconds": [each["seconds"] for each in results],
    }


def main() -> None:
    """Measure, print as JSON, and end with 1 where the efficiency is too low."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1, help="Submissions on each device.")
    parser.add_argument("--runs", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=4.0, help="What a run sleeps.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unlearn-scale-out-") as name:
        folder = Path(name)
        cores = (os.cpu_count() or 1) / options.devices
        unlearn(
            *("challenge", "build", "digits", folder / "challenge", "--references", 2, "--epochs", 1),
            *("--forget-fraction", 0.1, "--concurrency", 1, "--cpus", min(1.0, cores)),
        )
        work = {"rounds": options.rounds, "runs": options.runs, "seconds": options.seconds}
        evaluate(folder, 1, rounds=1, runs=2, seconds=0.0)  # measures retraining, and warms caches
        one = evaluate(folder, 1, **work)
        many = evaluate(folder, options.devices, **work)
    efficiency = one["wall_seconds"] / many["wall_seconds"]
    print(json.dumps({"one": one, "many": many, "efficiency": round(efficiency, 3)}, indent=2))
    if efficiency < MIN_EFFICIENCY:
        sys.exit(1)


if __name__ == "__main__":
    main()
