"""Make the populations that are missing, in the order in which they are needed. Needs torch."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from benchmarks.integrity.populations import REFERENCES, Populations
from benchmarks.integrity.problem import Problem, make_problem
from benchmarks.integrity.runs import execute, load_submission

RUNS: Final = 64
SAMPLES: Final = Path(__file__).parents[2] / "sample_submissions"
BASELINES: Final = ("noisy_finetune", "finetune", "scrub", "negative_gradient", "random_labels")
CHEATS: Final = ("steered", "suppress_only", "mixture")
TWINS: Final = ("long_finetune", "reset_head", "tuned", "best_of_three", "averaged", "matched_to_val")
FRESH: Final = 7
"""Populations of freshly retrained networks, besides the references."""
_TIMED_CHALLENGES: Final = 3
"""On these, networks are retrained in the runs; on the others they would only differ in their seeds from the
fresh ones, which are made in a third of the time."""

ROUNDS: Final[tuple[tuple[str, ...], ...]] = (
    (REFERENCES, "original-0", *(f"{name}-0" for name in BASELINES), "fresh-0"),
    ("fresh-1", "fresh-2", "fresh-3"),
    (*(f"{name}-0" for name in CHEATS), "from_scratch-0"),
    tuple(f"{name}-1" for name in BASELINES),
    tuple(f"{name}-0" for name in TWINS),
    ("fresh-4", "fresh-5", "fresh-6"),
    tuple(f"{name}-2" for name in BASELINES),
)
"""Each round is done for all challenges before the next one begins, except for a few early challenges."""
_EARLY: Final = 4
"""So many challenges are taken through the first three rounds before the others begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The challenges that one process makes."""

    data_set: str
    seeds: Sequence[int]
    """Of the challenges of all processes."""
    data_folder: Path | None = None
    """With the files of the data set, unless its recipe brings them."""
    part: int = 0
    parts: int = 1
    """Of the seeds, every ``parts``-th from ``part`` on."""


def generate(folder: Path, share: Share) -> None:
    """Make all populations of some challenges that do not exist yet."""
    torch.set_num_threads(1)
    early = [(names, share.seeds[:_EARLY]) for names in ROUNDS[:3]]
    for names, chosen in (*early, *((names, share.seeds) for names in ROUNDS)):
        for seed in chosen[share.part :: share.parts]:
            place = Populations(folder / f"{share.data_set}-{seed}")
            missing = [name for name in names if not place.has(name) and _is_due(share.data_set, seed, name)]
            if not missing:
                continue
            problem = make_problem(share.data_set, seed, place.folder, share.data_folder)
            for name, seconds in _make(problem, place, missing):
                print(f"{time.strftime('%H:%M:%S')} {place.folder.name} {name} {seconds:.0f} s", flush=True)


def _make(problem: Problem, place: Populations, names: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Make populations of one challenge, and yield each with its processor seconds."""
    for name in names:
        start = time.process_time()
        make_population(problem, place, name)
        yield name, time.process_time() - start


def _is_due(data_set: str, seed: int, name: str) -> bool:
    """Return whether a population is worth its time: networks of other data take ten times as long."""
    if name.startswith("from_scratch"):
        return seed < _TIMED_CHALLENGES and data_set == "digits"
    return data_set == "digits" or name == REFERENCES or name.endswith("-0")


def make_population(problem: Problem, place: Populations, name: str) -> None:
    """Make one population and save it."""
    method, _dash, number = name.rpartition("-")
    if name == REFERENCES:
        place.save(name, problem.retrained(0, RUNS), method=name)
    elif method == "fresh":
        place.save(name, problem.retrained(RUNS * (1 + int(number)), RUNS), method=method)
    elif method == "original":
        outputs = [problem.outputs(problem.network())] * RUNS  # all runs return the same network
        place.save(name, problem.population(outputs), method=method)
    else:
        with tempfile.TemporaryDirectory() as folder:
            submission = Path(folder) / method
            shutil.copytree(submission_folder(method), submission)
            if method == "steered":
                answers = place.load(REFERENCES).logits.astype(np.float16)
                np.savez_compressed(submission / "answers.npz", answers=answers)
            sizes = sum(file.stat().st_size for file in submission.iterdir() if file.is_file())
            outputs_of_runs, facts = execute(problem, load_submission(submission), name, RUNS)
        place.save(name, outputs_of_runs, method=method, submission_bytes=sizes, **facts)


def submission_folder(method: str) -> Path:
    """Return where a submission lies."""
    if method in TWINS:
        return SAMPLES / "score" / "honest" / method
    return SAMPLES / method if method in BASELINES else SAMPLES / "score" / "cheats" / method
