"""Stop or kill the engine while runs are in progress: finished runs stay, and none is done twice.

An engine of its own is started (root, Docker's `dockerd`, 7 GB of disk for its copy of the image), so that
other containers of the machine are not touched. Each evaluation ends that engine once at a random moment,
as a service manager does (SIGTERM) or as a crash does (SIGKILL). The engine is started again after a pause,
and the command is repeated until it succeeds. Each evaluation must end like an undisturbed one.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import docker
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.errors import errors_as_sentences
from benchmarks.kill9 import (
    ROOT,
    PublishedRun,
    Tally,
    command,
    count_differences,
    count_losses,
    evaluate_undisturbed,
    read_runs,
)
from runner.engine.connect import connect_engine, engine_answers
from runner.image.image import BASE_REPOSITORY, BASE_TAG, require_image

_ANSWER_SECONDS: Final = 120.0
_MAX_COMMAND_SECONDS: Final = 900.0
_PAUSES: Final = (0.0, 5.0)
"""Minimum and maximum seconds between the engine's end and its next start."""
_MAX_COMMANDS: Final = 6


class OwnEngine:
    """An engine that the benchmark may stop and kill."""

    def __init__(self, folder: Path) -> None:
        """Store all its files below a folder."""
        self._folder = folder
        self.host = f"unix://{folder}/socket"
        self._process: subprocess.Popen[bytes] | None = None

    def connect(self, seconds: int) -> docker.APIClient:
        """Return a client of it whose calls end after so many seconds."""
        return docker.APIClient(base_url=self.host, timeout=seconds)

    def answers(self) -> bool:
        """Return whether it answers."""
        return engine_answers(self.connect)

    def start(self) -> None:
        """Start the engine and wait until it answers; after a crash containerd may need a second try."""
        deadline = time.monotonic() + _ANSWER_SECONDS
        while True:
            if self._process is None or self._process.poll() is not None:
                self._process = self._spawn()
            if self.answers():
                return
            if time.monotonic() > deadline:
                raise SystemExit(f"The engine does not start; see {self._folder / 'log'}.")
            time.sleep(0.3)

    def _spawn(self) -> subprocess.Popen[bytes]:
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

    def end(self, by: signal.Signals) -> None:
        """End the engine by a signal and wait for its exit."""
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait()
            self._process = None


@contextmanager
def own_engine(images: Sequence[str]) -> Iterator[OwnEngine]:
    """Start an engine that has images of the present one, by their names."""
    with (
        tempfile.TemporaryDirectory(prefix="unlearn-engine-", ignore_cleanup_errors=True) as name,
        subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saving,
    ):
        engine = OwnEngine(Path(name))
        engine.start()
        try:
            load = ["docker", "--host", engine.host, "load"]
            subprocess.run(load, stdin=saving.stdout, stdout=subprocess.DEVNULL, check=True)
            yield engine
        finally:
            if not engine.answers():
                engine.start()  # containers of a crashed engine end when the next engine stops
            engine.end(signal.SIGTERM)
            for part in psutil.disk_partitions(all=True):
                if part.mountpoint.startswith(f"{name}/"):  # dockerd leaves its data folder mounted
                    subprocess.run(["umount", part.mountpoint], check=False)


def disturb(
    engine: OwnEngine, arguments: list[str], folder: Path, *, by: signal.Signals, delay: float, pause: float
) -> tuple[dict[str, Any], list[int], bool, dict[int, PublishedRun]]:
    """Finish one evaluation, ending the engine once.

    Returns:
        The summary, the exit codes of the commands that it took, whether the engine was ended while the first
        command was still running, and the runs that were published by then.
    """
    codes: list[int] = []
    in_time, before = False, dict[int, PublishedRun]()
    while len(codes) < _MAX_COMMANDS:
        with subprocess.Popen(
            [*arguments, "--store", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            if not codes:
                time.sleep(delay)
                in_time = process.poll() is None
                engine.end(by)
                before = read_runs(folder)[1]
                time.sleep(pause)
                engine.start()
            out, err = process.communicate(timeout=_MAX_COMMAND_SECONDS)
        codes.append(process.returncode)
        if process.returncode == 0:
            return dict(json.loads(out.splitlines()[-1])), codes, in_time, before
        sentence = err.strip().splitlines()[-1]
        print(f"{by.name} after {len(before)} runs: exit code {process.returncode}, {sentence}")
        if process.returncode not in (3, 4) or "Traceback" in err:
            raise SystemExit("A command without its engine must exit with 3 or 4 and one sentence.")
    raise SystemExit(f"{_MAX_COMMANDS} commands were not enough: {codes}")


def main() -> None:
    """End the engine, compare and print; exit with 1 if anything was lost, changed or left behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("--submission", default="finetune")
    parser.add_argument("--challenge", required=True, help="a finished challenge")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments")
    options = parser.parse_args()
    rng, tally, started_at = random.Random(options.seed), Tally(), time.monotonic()
    endings: Counter[str] = Counter()
    arguments = command(
        *("run", ROOT / "sample_submissions" / options.submission),
        *("--challenge", options.challenge, "-n", options.n, "--json"),
    )
    images = [f"{BASE_REPOSITORY}:{BASE_TAG}", require_image(connect_engine()).tag]
    with own_engine(images) as engine, tempfile.TemporaryDirectory(prefix="unlearn-restart-") as name:
        os.environ["DOCKER_HOST"] = engine.host  # every command of this process uses it
        folder = Path(name)
        undisturbed, seconds = evaluate_undisturbed(arguments, folder / "undisturbed")
        for number in range(options.restarts):
            by = (signal.SIGTERM, signal.SIGKILL)[number % 2]
            store = folder / f"disturbed-{number}"
            delay, pause = rng.uniform(1.0, 0.8 * seconds), rng.uniform(*_PAUSES)
            summary, codes, in_time, before = disturb(
                engine, arguments, store, by=by, delay=delay, pause=pause
            )
            count_losses(tally, before, read_runs(store)[1])
            count_differences(tally, store, undisturbed, summary)
            finished = "by the same command" if len(codes) == 1 else "by a later command"
            endings[f"{by.name}, finished {finished}" if in_time else "after the command had ended"] += 1
            tally.finished_at_kills += len(before)
    show(tally, endings, options.n, time.monotonic() - started_at)
    raise SystemExit(1 if tally.failures else 0)


def show(tally: Tally, endings: Counter[str], n: int, seconds: float) -> None:
    """Print the counts."""
    table = Table(title=f"The engine ended while runs were in progress, n = {n}")
    table.add_column("what")
    table.add_column("how many", justify="right")
    for text, value in {
        **dict(sorted(endings.items())),
        **tally.figures("ends of the engine"),
        "minutes": round(seconds / 60, 1),
    }.items():
        table.add_row(text, str(value))
    Console(width=100).print(table)


if __name__ == "__main__":
    with errors_as_sentences():
        main()
