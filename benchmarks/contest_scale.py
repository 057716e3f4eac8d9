"""Measure the contest's full size on this machine: 512 references, 512 runs and the score.

Runs the same commands as a user and prints how long each part took.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
GOAL_SECONDS = 300.0


def timed(*arguments: str) -> tuple[float, str]:
    """Run `unlearn`; return its wall time in seconds and its output."""
    started_at = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "unlearn"), *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return time.monotonic() - started_at, done.stdout


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submission", default="finetune")
    parser.add_argument("--references", type=int, default=512)
    parser.add_argument("-n", type=int, default=512)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unlearn-scale-") as folder:
        challenge = f"{folder}/digits"
        build, _text = timed(
            "challenge", "build", "digits", challenge, "--references", str(options.references)
        )
        submission = str(ROOT / "sample_submissions" / options.submission)
        run, text = timed(
            *("run", submission, "--challenge", challenge, "-n", str(options.n)),
            *("--store", f"{folder}/evaluations", "--json"),
        )
    summary = json.loads(text.splitlines()[-1])
    table = Table(title=f"digits, {options.references} references, {options.n} runs of {options.submission}")
    table.add_column("part")
    table.add_column("seconds", justify="right")
    table.add_row("challenge: original model, references, outputs", f"{build:.1f}")
    table.add_row("runs, evaluation and score", f"{run:.1f}")
    table.add_row("  of which executing runs or evaluating checkpoints", f"{summary['seconds']:.1f}")
    table.add_row("  median of one run, two at a time", f"{summary['run_seconds_median']:.3f}")
    table.add_row("all", f"{build + run:.1f}")
    console = Console(width=100)
    console.print(table)
    console.print(f"score {summary['score']:.4f}; the goal is {GOAL_SECONDS:g} s on 2 cores")


if __name__ == "__main__":
    main()
