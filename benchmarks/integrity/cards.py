"""Score and flags of each population, reduced to what the report counts, and kept beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.integrity.flags import OnControls, RunTimes, raise_flags
from benchmarks.integrity.methods import BY_HEART
from benchmarks.integrity.populations import REFERENCES, Populations
from scoring.controls.comparison import MIN_EXAMPLES
from scoring.outputs import load_outputs
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.statistics.ceiling import Ceiling, ceiling

CONTROLS: Final = 8
"""Largest number of control problems of a challenge: the next ones, in the order of their seeds."""
CONTROL_RUNS: Final = 16
FALLBACK: Final = "noisy_finetune-0"
"""What a cheat that knows one challenge by heart does on others: the best of the baselines."""
_SCORER: Final = Path(__file__).parents[2] / "scoring"
_HERE: Final = (Path(__file__), Path(__file__).with_name("flags.py"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the report counts of one card."""

    challenge: str
    population: str
    runs: int
    score: float
    quality: float
    share: float | None
    """Share of the ceiling."""
    fraction: float | None
    """Median processor time of a run as a fraction of retraining; None where nothing was run."""
    controls: int
    """Number of control problems that it was compared with."""
    flags: list[str]
    """Kinds of the flags that are notes."""
    suspected: list[str]
    """Kinds of the flags that are suspicions or problems."""


def card_row(place: Populations, name: str, others: Sequence[Populations] = ()) -> Row:
    """Return the row of a population; it is computed again if a population or the scorer has changed.

    Args:
        place: The challenge.
        name: Of the population.
        others: The first of these that have the population which the submission leaves there serve as
            control problems.
    """
    there = FALLBACK if name.rpartition("-")[0] in BY_HEART else name
    controls = [other for other in others if other.has(REFERENCES, there)][:CONTROLS]
    files = [place.folder / f"{name}.npz", place.folder / f"{name}.json", place.folder / f"{REFERENCES}.npz"]
    files += [other.folder / f"{known}.npz" for other in controls for known in (REFERENCES, there)]
    key = " ".join([*map(_digest, files), _scorer()])
    file = place.folder / "cards" / f"{name}.json"
    if file.is_file():
        stored = json.loads(file.read_text())
        if stored.pop("key") == key:
            return Row(**stored)
    row = _compute(place, name, [_quality(other.folder, there) for other in controls])
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"key": key, **asdict(row)}, indent=1) + "\n")
    return row


def _compute(place: Populations, name: str, qualities: Sequence[float]) -> Row:
    unlearned, facts = place.load(name), place.facts(name)
    limit, times = _ceiling(place.folder / f"{REFERENCES}.npz", unlearned.models), None
    if unlearned.models < CONTROL_RUNS or len(unlearned.labels) < MIN_EXAMPLES:
        qualities = ()  # an evaluation does not compare so few examples either
    if "processor_seconds" in facts:
        times = run_times(facts)
    raised = raise_flags(
        unlearned,
        place.load(REFERENCES),
        limit,
        times=times,
        controls=OnControls(runs=CONTROL_RUNS, qualities=qualities) if qualities else None,
    )
    top = limit.quality.estimate
    return Row(
        challenge=place.folder.name,
        population=name,
        runs=unlearned.models,
        score=raised.score,
        quality=raised.quality,
        share=raised.quality / top if top else None,
        fraction=fraction_of_retraining(place, name),
        controls=len(qualities),
        flags=raised.notes,
        suspected=raised.suspicions,
    )


@cache
def _quality(folder: Path, name: str) -> float:
    """Return F of a population's first runs, as on a control problem."""
    runs = load_outputs(folder / f"{name}.npz").confidences()[:CONTROL_RUNS]
    references = load_outputs(folder / f"{REFERENCES}.npz").confidences()
    return forgetting_quality(published_epsilon(runs, references), CONTROL_RUNS)


@cache
def _ceiling(file: Path, runs: int) -> Ceiling:
    """Return the ceiling of references for so many runs, once for all populations."""
    references = load_outputs(file).confidences()
    with threadpool_limits(1):
        return ceiling(references, runs, seed=runs)


def run_times(facts: dict[str, Any]) -> RunTimes:
    """Return the processor seconds of a population's runs, and those of the timings before and after them."""
    after = facts.get("portions_after")
    return RunTimes(
        runs=np.array(facts["processor_seconds"], dtype=float),
        retraining=retraining_seconds(facts),
        again=None if after is None else max(after) * int(facts["retraining_epochs"]),
    )


def retraining_seconds(facts: dict[str, Any]) -> float:
    """Return the processor seconds of a retraining, as timed before a population's runs.

    In earlier populations it was timed between them.
    """
    epochs = facts.get("portions_before", facts["epoch_seconds"])
    return float(np.median(epochs)) * int(facts["retraining_epochs"])


def fraction_of_retraining(place: Populations, name: str) -> float | None:
    """Return the median processor time of a population's runs as a fraction of a retraining's."""
    facts = place.facts(name)
    if "processor_seconds" not in facts:
        return None
    return float(np.median(facts["processor_seconds"])) / retraining_seconds(facts)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


@cache
def _scorer() -> str:
    """Return a digest of the source of the scorer, and of the modules here that use it."""
    digest = hashlib.sha256()
    for file in (*sorted(_SCORER.rglob("*.py")), *_HERE):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
