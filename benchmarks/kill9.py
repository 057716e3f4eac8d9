"""Kill `unlearn run` with SIGKILL at random moments: finished runs stay, and none is done twice.

The command is killed again and again, each time at a random moment, until the evaluation is near its
end and may finish. Then a new evaluation starts, until the requested number of kills is reached. After
every kill the store and its folder are read: whatever was published or evaluated before must still be
there, unchanged. Each evaluation must end with the same results as one that was never killed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from runner.engine.connect import connect_engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.errors import RunnerError
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths

ROOT: Final = Path(__file__).parent.parent
FIGURES: Final = ("score", "forgetting_quality", "retain_ratio", "test_ratio", "epsilon_mean", "verdicts")

_START: Final = 0.4
"""Share of an undisturbed evaluation's time that a command takes even if no run is left. It lets kills
come at every moment, the last ones included."""
_MIN_DELAY_SECONDS: Final = 0.3
_MAX_SECONDS: Final = 600.0
_LATE: Final = 0.2
"""Share of the kills that come after the last run. Evaluating, scoring and writing the last files are
so short that random kills would seldom hit them."""
_END_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRun:
    """What must never change of a published run."""

    seed: int
    attempt: int
    verdict: str
    checkpoint_sha256: str
    outputs_sha256: str
    written: int | None
    """When its outputs were written, in nanoseconds; None before they are at their final path."""

    def follows(self, earlier: PublishedRun) -> bool:
        """Return True if this is the earlier run unchanged, possibly evaluated in the meantime."""
        return self == replace(
            earlier,
            outputs_sha256=earlier.outputs_sha256 or self.outputs_sha256,
            written=self.written if earlier.written is None else earlier.written,
        )


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts over all kills and evaluations."""

    kills: int = 0
    evaluations: int = 0
    finished_at_kills: int = 0
    attempts: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    changed: int = 0
    differing_checkpoints: int = 0
    differing_outputs: int = 0
    differing_figures: int = 0
    containers_left: int = 0
    files_left: int = 0

    @property
    def failures(self) -> int:
        """Return the sum of the counts that must be 0."""
        differing = self.differing_checkpoints + self.differing_outputs + self.differing_figures
        return self.lost + self.changed + differing + self.containers_left + self.files_left

    def figures(self, interrupted: str) -> dict[str, int]:
        """Return the counts to show by label; ``interrupted`` names the moments of counting."""
        return {
            "worker containers started": self.attempts,
            f"finished runs at the {interrupted}, in sum": self.finished_at_kills,
            "finished runs lost": self.lost,
            "finished runs changed, done or evaluated twice": self.changed,
            "checkpoints that differ from the undisturbed evaluation": self.differing_checkpoints,
            "outputs that differ from the undisturbed evaluation": self.differing_outputs,
            "figures of the score that differ": self.differing_figures,
            "containers left": self.containers_left,
            "unfinished files left": self.files_left,
        }


def command(*arguments: object) -> list[str]:
    """Return the command line of `unlearn`."""
    return [str(Path(sys.executable).parent / "unlearn"), *map(str, arguments)]


def read_runs(folder: Path) -> tuple[str, dict[int, PublishedRun]]:
    """Return the identity of a store's evaluation and its published runs by index."""
    try:
        with closing(open_store(folder, create=False)) as store:
            names = [stored.id for stored in store.evaluations()]
            runs = store.runs(names[0]) if names else []
    except RunnerError:
        return "", {}  # killed before there was a store
    if not names:
        return "", {}
    paths = EvaluationPaths(folder=folder / names[0])
    return names[0], {
        run.index: PublishedRun(
            seed=run.seed,
            attempt=run.attempt,
            verdict=str(run.verdict),
            checkpoint_sha256=run.checkpoint_sha256,
            outputs_sha256=run.outputs_sha256,
            written=_written(paths.outputs(run.index)),
        )
        for run in runs
    }


def _written(file: Path) -> int | None:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def stage_at_kill(folder: Path, runs: dict[int, PublishedRun], n: int) -> str:
    """Return in words how far the evaluation was when it was killed."""
    if not folder.exists():
        return "before the store existed"
    if not runs:
        return "before the first run ended"
    if len(runs) < n:
        return "runs in progress"
    return "evaluating" if any(not run.outputs_sha256 for run in runs.values()) else "scoring"


def count_losses(tally: Tally, before: dict[int, PublishedRun], after: dict[int, PublishedRun]) -> None:
    """Count the runs that were lost or changed between two moments."""
    tally.lost += len(before.keys() - after.keys())
    tally.changed += sum(not after[index].follows(run) for index, run in before.items() if index in after)


def disturb(
    arguments: list[str],
    folder: Path,
    *,
    tally: Tally,
    max_kills: int,
    n: int,
    rng: random.Random,
    seconds: float,
) -> dict[str, Any]:
    """Finish one evaluation, killing it at random moments; return its summary.

    Args:
        arguments: The command line without a store.
        folder: The store of this evaluation.
        tally: The counts to add to.
        max_kills: Kills over all evaluations; none follows when they are reached.
        n: Runs of the evaluation.
        rng: Draws the moments.
        seconds: What the undisturbed evaluation took.
    """
    tally.evaluations += 1
    before: dict[int, PublishedRun] = {}
    while True:
        with subprocess.Popen(
            [*arguments, "--store", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            rest = seconds * (_START + (1 - _START) * (n - len(before)) / n)
            delay = _MAX_SECONDS
            if tally.kills < max_kills and rng.random() < _LATE:
                await_last_run(process, folder, n)
                delay = rng.uniform(0.0, _END_SECONDS)
            elif tally.kills < max_kills:
                delay = rng.uniform(_MIN_DELAY_SECONDS, rest)
            try:
                out, err = process.communicate(timeout=delay)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            else:
                if process.returncode != 0:
                    raise SystemExit(f"The command ended with {process.returncode}: {err.strip()[-500:]}")
                count_losses(tally, before, read_runs(folder)[1])
                return dict(json.loads(out.splitlines()[-1]))
        tally.kills += 1
        _name, after = read_runs(folder)
        count_losses(tally, before, after)
        tally.finished_at_kills += len(after)
        tally.stages[stage_at_kill(folder, after, n)] += 1
        before = after


def await_last_run(process: subprocess.Popen[str], folder: Path, n: int) -> None:
    """Wait until the last run is published or the command has ended."""
    while process.poll() is None and len(read_runs(folder)[1]) < n:
        time.sleep(_PAUSE_SECONDS)


def count_differences(
    tally: Tally,
    folder: Path,
    undisturbed: tuple[dict[int, PublishedRun], dict[str, Any]],
    summary: dict[str, Any],
) -> None:
    """Count where a disturbed evaluation ended unlike the undisturbed one, and its leftovers."""
    name, runs = read_runs(folder)
    expected_runs, expected_summary = undisturbed
    for index, expected in expected_runs.items():
        run = runs.get(index)
        tally.differing_checkpoints += run is None or run.checkpoint_sha256 != expected.checkpoint_sha256
        tally.differing_outputs += run is None or run.outputs_sha256 != expected.outputs_sha256
    tally.differing_figures += sum(summary[figure] != expected_summary[figure] for figure in FIGURES)
    tally.containers_left += len(connect_engine().containers({EVALUATION_LABEL: name}))
    tally.files_left += sum(
        file.suffix == ".part" or file.name.startswith(".") for file in (folder / name).rglob("*")
    )
    tally.attempts += len(open_store(folder, create=False).attempts(name))


def evaluate_undisturbed(
    arguments: list[str], store: Path
) -> tuple[tuple[dict[int, PublishedRun], dict[str, Any]], float]:
    """Evaluate without an interruption; return the runs and the summary, and the seconds it took."""
    started_at = time.monotonic()
    done = subprocess.run([*arguments, "--store", str(store)], check=True, stdout=subprocess.PIPE, text=True)
    seconds = time.monotonic() - started_at
    return (read_runs(store)[1], dict(json.loads(done.stdout.splitlines()[-1]))), seconds


def show(tally: Tally, n: int, seconds: float) -> None:
    """Print the counts."""
    table = Table(title=f"kill -9 at random moments, n = {n}")
    table.add_column("what")
    table.add_column("how many", justify="right")
    for text, value in {
        "kills": tally.kills,
        **{f"  {text}": count for text, count in sorted(tally.stages.items())},
        "evaluations ended": tally.evaluations,
        **tally.figures("kills"),
        "minutes": round(seconds / 60, 1),
    }.items():
        table.add_row(text, str(value))
    Console(width=100).print(table)


def main() -> None:
    """Kill, compare and print; exit with 1 if anything was lost, changed or left behind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("--submission", default="finetune")
    parser.add_argument("--challenge", help="a finished challenge; built if left out")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments")
    options = parser.parse_args()
    rng, tally, started_at = random.Random(options.seed), Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="unlearn-kill9-") as name:
        folder = Path(name)
        challenge = options.challenge or folder / "digits"
        if not options.challenge:
            build = command("challenge", "build", "digits", challenge, "--references", 64)
            subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        arguments = command(
            *("run", ROOT / "sample_submissions" / options.submission),
            *("--challenge", challenge, "-n", options.n, "--json"),
        )
        undisturbed, seconds = evaluate_undisturbed(arguments, folder / "undisturbed")
        while tally.kills < options.kills:
            store = folder / f"disturbed-{tally.evaluations}"
            summary = disturb(
                arguments, store, tally=tally, max_kills=options.kills, n=options.n, rng=rng, seconds=seconds
            )
            count_differences(tally, store, undisturbed, summary)
    show(tally, options.n, time.monotonic() - started_at)
    raise SystemExit(1 if tally.failures else 0)


if __name__ == "__main__":
    main()
