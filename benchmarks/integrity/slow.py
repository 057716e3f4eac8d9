"""How often it is too slow that some of the runs retrain, from times of retrainings and fine-tunings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.integrity.cards import run_times
from benchmarks.integrity.flags import RunTimes, judged_time
from benchmarks.integrity.populations import TIMED_RUNS, Populations, challenges
from benchmarks.integrity.rates import Rate

RETRAINED: Final = "from_scratch-0"
FINETUNED: Final = "finetune-0"
EVERY: Final = {"every run": 1, "every second run": 2, "every third run": 3}


def rates_of_mixtures(folder: Path) -> Iterator[str]:
    """Yield the lines of a Markdown table: how many evaluations of each kind are too slow."""
    places = [place for place in challenges(folder) if place.has(RETRAINED, FINETUNED)]
    yield "| retrained | runs | too slow |"
    yield "|---|---|---|"
    for name, every in EVERY.items():
        mixtures = [mixture(place, every) for place in places]
        slow = Rate(sum(judged_time(times).too_slow for times in mixtures), len(mixtures))
        yield f"| {name} | {TIMED_RUNS * every} | {slow} |"


def mixture(place: Populations, every: int) -> RunTimes:
    """Return the times of an evaluation in which one of ``every`` runs retrains, and the others fine-tune.

    The timings of retraining are those beside the retrained runs.
    """
    retrained, others = (run_times(place.facts(name)) for name in (RETRAINED, FINETUNED))
    slow = retrained.runs[:TIMED_RUNS]
    scaled = others.runs / others.retraining * retrained.retraining
    return replace(retrained, runs=np.concatenate((slow, scaled[: (every - 1) * TIMED_RUNS])))
