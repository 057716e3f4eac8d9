"""The engine stopped or killed in mid-run: what is finished stays, and nothing is done twice.

Starts an engine of its own (root, Docker's `dockerd`, 7 GB of disk for its copy of the image), so that nobody
else's containers are touched. In each evaluation it ends that engine at a random moment, as a service
manager does (SIGTERM) or as a crash does (SIGKILL), starts it again after a pause, and types the command
again until it succeeds. Each evaluation must end like one that nobody disturbed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.kill9 import ROOT, Tally, command, compare, finish, look
from runner.engine.client import connect_engine, engine_answers
from runner.image.image import BASE_REPOSITORY, BASE_TAG, require_image

_ANSWER_SECONDS: Final = 120.0
_LONGEST_SECONDS: Final = 900.0
_PAUSES: Final = (0.0, 5.0)
"""How long the engine stays away: between these, in seconds."""
_MOST_COMMANDS: Final = 6


class OwnEngine:
    """An engine that may be ended."""

    def __init__(self, folder: Path) -> None:
        """Keep everything of it below a folder."""
        self._folder = folder
        self.host = f"unix://{folder}/socket"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; a crashed one's containerd may need a second try."""
        deadline = time.monotonic() + _ANSWER_SECONDS
        while True:
            if self._process is None or self._process.poll() is not None:
                self._process = self._begin()
            if engine_answers():
                return
            if time.monotonic() > deadline:
                raise SystemExit(f"The engine does not start; see {self._folder / 'log'}.")
            time.sleep(0.3)

    def _begin(self) -> subprocess.Popen[bytes]:
        (self._folder / "pid").unlink(missing_ok=True)
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [
                    *("dockerd", "--bridge=none", "--iptables=false", "-H", self.host),
                    *("--data-root", self._folder / "data", "--exec-root", self._folder / "exec"),
                    *("--pidfile", self._folder / "pid"),
                    *("--containerd-namespace=unlearn", "--containerd-plugins-namespace=unlearn-plugins"),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, how: signal.Signals) -> None:
        """End it and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None


@contextmanager
def own_engine() -> Iterator[OwnEngine]:
    """Have an engine with the present images, known to every command that is started here."""
    made = require_image(connect_engine())
    names = [f"{BASE_REPOSITORY}:{BASE_TAG}", made.tag]
    with (
        tempfile.TemporaryDirectory(prefix="unlearn-engine-", ignore_cleanup_errors=True) as name,
        subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE) as saving,
    ):
        engine = OwnEngine(Path(name))
        os.environ["DOCKER_HOST"] = engine.host
        engine.start()
        try:
            subprocess.run(["docker", "load"], stdin=saving.stdout, stdout=subprocess.DEVNULL, check=True)
            yield engine
        finally:
            if not engine_answers():
                engine.start()  # a crashed one's containers end when the next one stops
            engine.end(signal.SIGTERM)
            for part in psutil.disk_partitions(all=True):
                if part.mountpoint.startswith(f"{name}/"):  # of its data, by itself: it is not undone
                    subprocess.run(["umount", part.mountpoint], check=False)


def disturb(
    engine: OwnEngine, arguments: list[str], folder: Path, *, how: signal.Signals, delay: float, pause: float
) -> tuple[dict[str, Any], list[int], bool, dict[int, Any]]:
    """Do one evaluation with the engine ended once.

    Returns:
        Its summary, the exit codes of the commands that it took, whether the engine was ended in time, and
        what was published by then.
    """
    codes: list[int] = []
    met, before = False, {}
    while len(codes) < _MOST_COMMANDS:
        with subprocess.Popen(
            [*arguments, "--store", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            if not codes:
                time.sleep(delay)
                met = process.poll() is None
                engine.end(how)
                before = look(folder)[1]
                time.sleep(pause)
                engine.start()
            out, err = process.communicate(timeout=_LONGEST_SECONDS)
        codes.append(process.returncode)
        if process.returncode == 0:
            return dict(json.loads(out.splitlines()[-1])), codes, met, before
        said = err.strip().splitlines()[-1]
        print(f"{how.name} after {len(before)} runs: exit code {process.returncode}, {said}")
        if process.returncode not in (3, 4) or "Traceback" in err:
            raise SystemExit("That is none of its answers to an engine that is away.")
    raise SystemExit(f"{_MOST_COMMANDS} commands were not enough: {codes}")


def main() -> None:
    """End the engine, compare, print; exit code 1 if anything is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("--submission", default="finetune")
    parser.add_argument("--challenge", required=True, help="a challenge that is built already")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments")
    asked = parser.parse_args()
    chance, tally, begun = random.Random(asked.seed), Tally(), time.monotonic()
    seen: Counter[str] = Counter()
    arguments = command(
        *("run", ROOT / "sample_submissions" / asked.submission),
        *("--challenge", asked.challenge, "-n", asked.n, "--json"),
    )
    with own_engine() as engine, tempfile.TemporaryDirectory(prefix="unlearn-restart-") as name:
        folder, started = Path(name), time.monotonic()
        done = subprocess.run(
            [*arguments, "--store", str(folder / "calm")], check=True, stdout=subprocess.PIPE, text=True
        )
        seconds = time.monotonic() - started
        calm = look(folder / "calm")[1], dict(json.loads(done.stdout.splitlines()[-1]))
        for number in range(asked.restarts):
            how = (signal.SIGTERM, signal.SIGKILL)[number % 2]
            store = folder / f"disturbed-{number}"
            delay, pause = chance.uniform(1.0, 0.8 * seconds), chance.uniform(*_PAUSES)
            summary, codes, met, before = disturb(engine, arguments, store, how=how, delay=delay, pause=pause)
            compare(tally, before, look(store)[1])
            finish(tally, store, calm, summary)
            ended = "by the same command" if len(codes) == 1 else "by a later command"
            seen[f"{how.name}, ended {ended}" if met else "too late to be met"] += 1
            tally.finished_at_kills += len(before)
    show(tally, seen, asked.n, time.monotonic() - begun)
    raise SystemExit(1 if tally.failures else 0)


def show(tally: Tally, seen: Counter[str], n: int, seconds: float) -> None:
    """Print what was seen."""
    table = Table(title=f"The engine ended in mid-run, n = {n}")
    table.add_column("what")
    table.add_column("how many", justify="right")
    for text, value in {
        **dict(sorted(seen.items())),
        **tally.figures("ends"),
        "minutes": round(seconds / 60, 1),
    }.items():
        table.add_row(text, str(value))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
