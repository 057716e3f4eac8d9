"""Make the populations that are missing, in the order in which they are needed. Needs torch."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from benchmarks.integrity.populations import REFERENCES, TIMED_RUNS, Populations, seed_of
from benchmarks.integrity.problem import Problem, make_problem
from benchmarks.integrity.runs import execute, load_submission
from scoring.outputs import Outputs

RUNS: Final = 64
SAMPLES: Final = Path(__file__).parents[2] / "sample_submissions"
BASELINES: Final = ("noisy_finetune", "finetune", "scrub", "negative_gradient", "random_labels")
TWINS: Final = ("long_finetune", "reset_head", "tuned", "best_of_three", "averaged", "matched_to_val")
HONEST_RUNS: Final = 32
"""Runs of an evaluation of an honest submission: half of those of chosen networks, so that twice as many
evaluations are affordable."""
TWIN_RUNS: Final = 16
"""Runs of an honest twin of a cheat on challenges from `FEWER_FROM` on, so that all have some."""
FEWER_FROM: Final = 8
STEERED_RUNS: Final = 16
"""Runs of ``steered``, each of which takes longer than retraining."""
OTHER_RUNS: Final = {"mnist": 16, "resnet18": 8}
"""Runs of an evaluation on other data than digits, where each takes longer."""
OTHER_REFERENCES: Final = {"mnist": 32, "resnet18": 16}

ROUNDS: Final[tuple[tuple[str, ...], ...]] = (
    (REFERENCES, "original-0", *(f"fresh-{number}" for number in range(4))),
    ("steered-0", "from_scratch-0", *(f"{name}-{number}" for number in range(2) for name in BASELINES)),
    tuple(f"{name}-0" for name in TWINS),
    ("suppress_only-0", "mixture-0", *(f"{name}-2" for name in BASELINES)),
    ("fresh-4", "fresh-5", "fresh-6"),
)
"""Each round is done for all challenges before the next one begins."""


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
    names: Sequence[str] = ()
    """Of the populations to make, in one round; empty for all rounds."""
    timed: bool = True
    """Whether runs are timed, which takes up to half as long as the runs."""


def generate(folder: Path, share: Share) -> None:
    """Make all populations of some challenges that do not exist yet."""
    torch.set_num_threads(1)
    for names in (share.names,) if share.names else ROUNDS:
        for seed in share.seeds[share.part :: share.parts]:
            place = Populations(folder / f"{share.data_set}-{seed}")
            missing = [name for name in names if not place.has(name)]
            if not missing:
                continue
            problem = make_problem(share.data_set, seed, place.folder, share.data_folder)
            for name, seconds in _make(problem, place, missing, timed=share.timed):
                print(f"{time.strftime('%H:%M:%S')} {place.folder.name} {name} {seconds:.0f} s", flush=True)


def _make(
    problem: Problem, place: Populations, names: Sequence[str], *, timed: bool
) -> Iterator[tuple[str, float]]:
    """Make populations of one challenge, and yield each with its processor seconds."""
    for name in names:
        start = time.process_time()
        make_population(problem, place, name, timed=timed)
        yield name, time.process_time() - start


def make_population(problem: Problem, place: Populations, name: str, *, timed: bool = True) -> None:
    """Make one population and save it; of ``from_scratch`` the time is always taken."""
    method, _dash, number = name.rpartition("-")
    if name == REFERENCES:
        place.save(name, problem.retrained(0, _runs_of(place, name)), method=name)
    elif method == "fresh":
        first = RUNS * (1 + int(number))
        models = OTHER_RUNS.get(seed_of(place.folder.name)[0], RUNS)
        place.save(name, problem.retrained(first, models), method=method)
    elif method == "original":
        outputs = [problem.outputs(problem.network())] * _runs_of(
            place, method
        )  # all runs return the same network
        place.save(name, problem.population(outputs), method=method)
    elif method == "from_scratch":
        outputs_of_timed, facts = _executed(problem, place, name, TIMED_RUNS)
        if not place.has("fresh-3"):  # only the times are wanted
            place.save(name, outputs_of_timed, method=method, **facts)
            return
        seconds = facts.pop("processor_seconds")
        repeated = [seconds[run % TIMED_RUNS] for run in range(RUNS)]
        outputs_of_fresh = place.load("fresh-3")
        place.save(name, outputs_of_fresh, method=method, processor_seconds=repeated, **facts)
    else:
        runs = _runs_of(place, method)
        outputs_of_runs, facts = _executed(problem, place, name, runs, timed=timed)
        place.save(name, outputs_of_runs, method=method, **facts)


def _runs_of(place: Populations, method: str) -> int:
    """Return the number of networks of a method's populations."""
    data_set, seed = seed_of(place.folder.name)
    if data_set != "digits":
        return (OTHER_REFERENCES if method == REFERENCES else OTHER_RUNS)[data_set]
    if method in TWINS and seed >= FEWER_FROM:
        return TWIN_RUNS
    if method == "steered":
        return STEERED_RUNS
    return RUNS if method in {REFERENCES, "original"} else HONEST_RUNS


def _executed(
    problem: Problem, place: Populations, name: str, runs: int, *, timed: bool = True
) -> tuple[Outputs, dict[str, Any]]:
    """Return the outputs of a submission's runs, and what is known of them."""
    method = name.rpartition("-")[0]
    with tempfile.TemporaryDirectory() as folder:
        submission = Path(folder) / method
        shutil.copytree(submission_folder(method), submission)
        if method == "steered":
            answers = place.load(REFERENCES).logits.astype(np.float16)
            np.savez_compressed(submission / "answers.npz", answers=answers)
        sizes = sum(file.stat().st_size for file in submission.iterdir() if file.is_file())
        outputs, facts = execute(problem, load_submission(submission), name, runs, timed=timed)
    return outputs, {"submission_bytes": sizes, **facts}


def submission_folder(method: str) -> Path:
    """Return where a submission lies."""
    if method in TWINS:
        return SAMPLES / "score" / "honest" / method
    return SAMPLES / method if method in BASELINES else SAMPLES / "score" / "cheats" / method
