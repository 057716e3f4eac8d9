"""`kill -9` at random moments of an evaluation: what is finished stays, and nothing is done twice.

Kills the command again and again, each time at a random moment, and lets it finish when the
evaluation is near its end; then begins a new one, until it has killed often enough. After every
kill it looks at what the store and the folder hold; whatever was published or evaluated before
must be there, the same, to the end. Each evaluation must end like one that nobody disturbed.
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from runner.engine.client import connect_engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.errors import RunnerError
from runner.store.paths import EvaluationPaths
from runner.store.store import Store

ROOT: Final = Path(__file__).parent.parent
FIGURES: Final = ("score", "forgetting_quality", "retain_ratio", "test_ratio", "epsilon_mean", "verdicts")

_START: Final = 0.4
"""Share of an undisturbed evaluation that a command takes even if no run is left: kills come at all
of its moments, the last ones included."""
_SOONEST_SECONDS: Final = 0.3
_LONGEST_SECONDS: Final = 600.0
_LATE: Final = 0.2
"""Share of the kills that come after the last run: its outputs, the score and the last files are
otherwise too short to be met."""
_END_SECONDS: Final = 1.0
_PAUSE_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A published run as it was found: what must never change."""

    seed: int
    attempt: int
    verdict: str
    checkpoint_sha256: str
    outputs_sha256: str
    written: int | None
    """When its outputs were written, in nanoseconds; None before they are in their place."""

    def follows(self, earlier: Kept) -> bool:
        """Return whether it is the same run as it was earlier, perhaps evaluated since."""
        same = (self.seed, self.attempt, self.verdict, self.checkpoint_sha256) == (
            earlier.seed,
            earlier.attempt,
            earlier.verdict,
            earlier.checkpoint_sha256,
        )
        evaluated_once = not earlier.outputs_sha256 or self.outputs_sha256 == earlier.outputs_sha256
        return same and evaluated_once and (earlier.written is None or self.written == earlier.written)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was seen."""

    kills: int = 0
    evaluations: int = 0
    finished_at_kills: int = 0
    attempts: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    changed: int = 0
    differing_checkpoints: int = 0
    differing_outputs: int = 0
    differing_figures: int = 0
    containers_left: int = 0
    files_left: int = 0

    @property
    def failures(self) -> int:
        """Return the number of all that must not be."""
        return (
            self.lost
            + self.changed
            + self.differing_checkpoints
            + self.differing_outputs
            + self.differing_figures
            + self.containers_left
            + self.files_left
        )

    def figures(self, interrupted: str) -> dict[str, int]:
        """Return what is shown, in words; ``interrupted`` is when runs were counted."""
        return {
            "worker containers started": self.attempts,
            f"finished runs found at the {interrupted}, in sum": self.finished_at_kills,
            "finished runs lost": self.lost,
            "finished runs changed, done or evaluated twice": self.changed,
            "checkpoints that differ from the undisturbed": self.differing_checkpoints,
            "outputs that differ from the undisturbed": self.differing_outputs,
            "figures of the score that differ": self.differing_figures,
            "containers left": self.containers_left,
            "unfinished files left": self.files_left,
        }


def command(*arguments: object) -> list[str]:
    """Return the command line of `unlearn`."""
    return [str(Path(sys.executable).parent / "unlearn"), *map(str, arguments)]


def look(folder: Path) -> tuple[str, dict[int, Kept]]:
    """Return the evaluation of a store and its published runs."""
    try:
        with closing(Store.in_folder(folder, create=False)) as store:
            names = [item.id for item in store.evaluations()]
            runs = store.runs(names[0]) if names else []
    except RunnerError:
        return "", {}  # killed before there was a store
    if not names:
        return "", {}
    paths = EvaluationPaths(folder=folder / names[0])
    return names[0], {
        run.index: Kept(
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


def moment(folder: Path, runs: dict[int, Kept], n: int) -> str:
    """Return in words how far the evaluation was when it was killed."""
    if not folder.exists():
        return "before the store was made"
    if not runs:
        return "before the first run ended"
    if len(runs) < n:
        return "runs going on"
    return "evaluating" if any(not run.outputs_sha256 for run in runs.values()) else "scoring"


def compare(tally: Tally, before: dict[int, Kept], after: dict[int, Kept]) -> None:
    """Count what was lost or changed between two looks."""
    tally.lost += len(before.keys() - after.keys())
    tally.changed += sum(not after[index].follows(run) for index, run in before.items() if index in after)


def disturb(
    arguments: list[str],
    folder: Path,
    *,
    tally: Tally,
    wanted: int,
    n: int,
    chance: random.Random,
    seconds: float,
) -> dict[str, Any]:
    """Do one evaluation, killing it at random moments; return its summary."""
    tally.evaluations += 1
    before: dict[int, Kept] = {}
    while True:
        with subprocess.Popen(
            [*arguments, "--store", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            rest = seconds * (_START + (1 - _START) * (n - len(before)) / n)
            delay = _LONGEST_SECONDS
            if tally.kills < wanted and chance.random() < _LATE:
                await_last(process, folder, n)
                delay = chance.uniform(0.0, _END_SECONDS)
            elif tally.kills < wanted:
                delay = chance.uniform(_SOONEST_SECONDS, rest)
            try:
                out, err = process.communicate(timeout=delay)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            else:
                if process.returncode != 0:
                    raise SystemExit(f"The command ended with {process.returncode}: {err.strip()[-500:]}")
                compare(tally, before, look(folder)[1])
                return dict(json.loads(out.splitlines()[-1]))
        tally.kills += 1
        _name, after = look(folder)
        compare(tally, before, after)
        tally.finished_at_kills += len(after)
        tally.moments[moment(folder, after, n)] += 1
        before = after


def await_last(process: subprocess.Popen[str], folder: Path, n: int) -> None:
    """Wait until the last run is published, or the command has ended."""
    while process.poll() is None and len(look(folder)[1]) < n:
        time.sleep(_PAUSE_SECONDS)


def finish(
    tally: Tally, folder: Path, calm: tuple[dict[int, Kept], dict[str, Any]], summary: dict[str, Any]
) -> None:
    """Compare an evaluation that was disturbed with the one that was not."""
    name, runs = look(folder)
    calm_runs, calm_summary = calm
    for index, run in calm_runs.items():
        found = runs.get(index)
        tally.differing_checkpoints += found is None or found.checkpoint_sha256 != run.checkpoint_sha256
        tally.differing_outputs += found is None or found.outputs_sha256 != run.outputs_sha256
    tally.differing_figures += sum(summary[figure] != calm_summary[figure] for figure in FIGURES)
    tally.containers_left += len(connect_engine().containers({EVALUATION_LABEL: name}))
    tally.files_left += sum(
        file.suffix == ".part" or file.name.startswith(".") for file in (folder / name).rglob("*")
    )
    tally.attempts += len(Store.in_folder(folder, create=False).attempts(name))


def show(tally: Tally, n: int, seconds: float) -> None:
    """Print what was seen."""
    table = Table(title=f"kill -9 at random moments, n = {n}")
    table.add_column("what")
    table.add_column("how many", justify="right")
    for text, value in {
        "kills": tally.kills,
        **{f"  {text}": count for text, count in sorted(tally.moments.items())},
        "evaluations ended": tally.evaluations,
        **tally.figures("kills"),
        "minutes": round(seconds / 60, 1),
    }.items():
        table.add_row(text, str(value))
    Console(width=100).print(table)


def main() -> None:
    """Kill, compare, print; exit code 1 if anything is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("--submission", default="finetune")
    parser.add_argument("--challenge", help="a challenge that is built already")
    parser.add_argument("--seed", type=int, default=0, help="decides the moments")
    asked = parser.parse_args()
    chance, tally, begun = random.Random(asked.seed), Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="unlearn-kill9-") as name:
        folder = Path(name)
        challenge = asked.challenge or folder / "digits"
        if not asked.challenge:
            subprocess.run(
                command("challenge", "build", "digits", challenge, "--references", 64),
                check=True,
                stdout=subprocess.DEVNULL,
            )
        arguments = command(
            *("run", ROOT / "sample_submissions" / asked.submission),
            *("--challenge", challenge, "-n", asked.n, "--json"),
        )
        started = time.monotonic()
        done = subprocess.run(
            [*arguments, "--store", str(folder / "calm")], check=True, stdout=subprocess.PIPE, text=True
        )
        seconds = time.monotonic() - started
        calm = look(folder / "calm")[1], dict(json.loads(done.stdout.splitlines()[-1]))
        while tally.kills < asked.kills:
            store = folder / f"disturbed-{tally.evaluations}"
            summary = disturb(
                arguments,
                store,
                tally=tally,
                wanted=asked.kills,
                n=asked.n,
                chance=chance,
                seconds=seconds,
            )
            finish(tally, store, calm, summary)
    show(tally, asked.n, time.monotonic() - begun)
    raise SystemExit(1 if tally.failures else 0)


if __name__ == "__main__":
    main()
