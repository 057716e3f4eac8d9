"""What must hold whatever happens: every run published once, as it was first, and no container left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.errors import RunnerError
from runner.store.open_store import open_store
from runner.store.records import RunRecord
from tests.support.cluster.coordinator import NAME, PROGRESS

_REMOVAL_SECONDS: Final = 90.0
"""In which the containers of what was killed last have to be gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A machine that was killed or cut off."""

    kind: str
    address: str
    at: float
    """Seconds since the epoch."""
    until: float
    """When something else happened to the same machine; infinite if nothing did."""


class Audit:
    """The runs that one evaluation has published, and what is wrong with them."""

    def __init__(self, store: Path, runs: int, problems: list[str]) -> None:
        """Watch a store; add what is wrong to a list."""
        self._store, self._expected, self._problems = store, runs, problems
        self.published: dict[int, RunRecord] = {}

    def remember(self) -> None:
        """Require that what was published before is as it was."""
        try:
            with closing(open_store(self._store, create=False)) as opened:
                runs = opened.runs(NAME)
        except RunnerError:
            return  # it does not exist yet, or its database does not answer
        for run in runs:
            before = self.published.setdefault(run.index, run)
            if run.evaluated and not before.evaluated:
                self.published[run.index] = run
            elif (before.checkpoint_sha256, before.seed) != (run.checkpoint_sha256, run.seed) or (
                before.evaluated and before != run
            ):
                self._problems.append(f"run {run.index} was published twice")

    def finish(self, engines: Callable[[], Sequence[Engine]]) -> None:
        """Require that nothing is lost, doubled or left, once the evaluation has ended."""
        self.remember()
        if sorted(self.published) != list(range(self._expected)):
            self._problems.append(f"{self._expected - len(self.published)} runs are lost")
        with closing(open_store(self._store, create=False)) as opened:
            unevaluated = [run.index for run in opened.runs(NAME) if not run.evaluated]
        if unevaluated:
            self._problems.append(f"runs without outputs: {unevaluated}")
        outputs = len(list((self._store / NAME / "outputs").glob("*.npz")))
        if outputs != self._expected:
            self._problems.append(f"{outputs} files of outputs for {self._expected} runs")
        deadline = time.monotonic() + _REMOVAL_SECONDS
        while (left := containers(engines())) and time.monotonic() < deadline:
            time.sleep(1.0)
        if left:
            self._problems.append(f"{left} containers are left")

    def pickups(self, losses: Sequence[Loss]) -> dict[str, list[float]]:
        """Return the seconds from the loss of each machine that had runs until they waited, by kind."""
        file = self._store / PROGRESS
        lines = file.read_text().splitlines() if file.exists() else []
        seconds: dict[str, list[float]] = {}
        for loss in losses:
            moments = [
                float(line.split()[0])
                for line in lines
                if line.endswith(" executed again.") and f"({loss.address}) " in line
            ]
            after = [moment for moment in moments if loss.at < moment < loss.until]
            if after:
                seconds.setdefault(loss.kind, []).append(min(after) - loss.at)
        return seconds


def containers(engines: Sequence[Engine]) -> int:
    """Return how many containers of the evaluation there are."""
    return sum(len(engine.containers({EVALUATION_LABEL: NAME})) for engine in engines)
