"""How often `not-unlearning` is wrong for honest methods, and how often it catches a memorised challenge.

The populations are those of ``python -m benchmarks.integrity generate``: many challenges of one recipe, each
with references and with runs of each method. Any two or more of them are a challenge and its control
problems: here challenge i has the next K as controls, each with its first 16 runs.

A cheat has retrained networks on the challenge and falls back on a method on control problems::

    python -m benchmarks.integrity.controls POPULATIONS --json controls.json
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import beta
from threadpoolctl import threadpool_limits

from scoring.checks import FloatArray
from scoring.controls.comparison import ControlComparison, ProblemFigures, judge, problem_figures
from scoring.outputs import load_outputs
from scoring.statistics.ceiling import ceiling

REFERENCES: Final = "references"
RETRAINED: Final = re.compile(r"fresh-\d+")
FALLBACKS: Final = ("original-0", "finetune-0", "noisy_finetune-0")
CONTROLS: Final = (1, 2, 4, 8)
RUNS: Final = 16


@cache
def confidences(file: Path) -> FloatArray:
    """Return the confidences of a population. Shape [models, examples]."""
    return load_outputs(file).confidences()


@cache
def top(folder: Path) -> float:
    """Return the ceiling of a challenge at the sizes that are compared."""
    return ceiling(confidences(folder / f"{REFERENCES}.npz"), RUNS, seed=1).quality.estimate


@cache
def figures(folder: Path, name: str, runs: int | None) -> ProblemFigures:
    """Return the figures of a population as on a challenge, or with its first runs alone as on a control."""
    references = confidences(folder / f"{REFERENCES}.npz")
    return problem_figures(
        confidences(folder / f"{name}.npz")[:runs],
        references,
        runs=RUNS,
        references=len(references),
        ceiling=top(folder),
        seed=1,
    )


def compared(problems: list[Path], first: str, then: str) -> ControlComparison:
    """Return a submission that returns one population on the challenge and another on control problems.

    Shares are of each problem's own ceiling; the flag divides by that of the challenge.
    """
    challenge, *controls = problems
    return judge(
        [figures(challenge, first, None), *(figures(control, then, RUNS) for control in controls)],
        runs=RUNS,
        references=len(confidences(challenge / f"{REFERENCES}.npz")),
        ceiling=top(challenge),
    )


def submissions(folders: list[Path], first: str, then: str, controls: int) -> Iterator[ControlComparison]:
    """Yield the comparison for each challenge with the next ones as its controls."""
    usable = [
        folder
        for folder in folders
        if all((folder / f"{name}.npz").is_file() for name in (REFERENCES, first, then))
    ]
    if len(usable) <= controls:
        return
    for place in range(len(usable)):
        yield compared([usable[(place + k) % len(usable)] for k in range(controls + 1)], first, then)


def rate(results: list[ControlComparison]) -> dict[str, Any]:
    """Return how many are flagged, with the limits of Clopper and Pearson at 95 %."""
    total, flagged = len(results), sum(result.flagged for result in results)
    advantages = [result.advantage for result in results]
    return {
        "submissions": total,
        "flagged": flagged,
        "low": float(beta.ppf(0.025, flagged, total - flagged + 1)) if flagged else 0.0,
        "high": float(beta.ppf(0.975, flagged + 1, total - flagged)) if flagged < total else 1.0,
        "advantage_mean": float(np.mean(advantages)),
        "advantage_deviation": float(np.std(advantages)),
        "advantage_most": float(max(advantages)),
        "limit": results[0].limit,
    }


def report(populations: Path, honest: re.Pattern[str]) -> dict[str, Any]:
    """Return the rates over all populations in a folder."""
    folders = sorted(folder for folder in populations.iterdir() if (folder / f"{REFERENCES}.npz").is_file())
    names = sorted({file.stem for folder in folders for file in folder.glob("*.npz")} - {REFERENCES})
    methods = [name for name in names if honest.match(name) or RETRAINED.fullmatch(name)]
    result: dict[str, Any] = {"challenges": len(folders), "honest": {}, "cheats": {}}
    for controls in CONTROLS:
        everything = []
        for name in methods:
            results = list(submissions(folders, name, name, controls))
            everything += results
            if results:
                result["honest"][f"{name}, K = {controls}"] = rate(results)
        if everything:
            result["honest"][f"all, K = {controls}"] = rate(everything)
        for fallback in FALLBACKS:
            results = [
                item
                for name in names
                if RETRAINED.fullmatch(name)
                for item in submissions(folders, name, fallback, controls)
            ]
            if results:
                result["cheats"][f"retrained, else {fallback}, K = {controls}"] = rate(results)
    return result


def table(result: dict[str, Any]) -> str:
    """Return the table of docs/metrics.md."""
    honest, cheats = result["honest"], result["cheats"]
    rows = {
        "honest, all": (honest, "all"),
        "of these `noisy_finetune`, whose spread is the largest": (honest, "noisy_finetune-0"),
        "retrained on the challenge, elsewhere nothing is done": (cheats, "retrained, else original-0"),
        "retrained on the challenge, elsewhere `finetune`": (cheats, "retrained, else finetune-0"),
        "retrained on the challenge, elsewhere `noisy_finetune`": (
            cheats,
            "retrained, else noisy_finetune-0",
        ),
    }
    heading = " | ".join(f"K = {controls}" for controls in CONTROLS)
    lines = [f"| flagged (limits); advantage ± deviation | {heading} |", "|---" * (1 + len(CONTROLS)) + "|"]
    for name, (rates, key) in rows.items():
        cells = [_cell(rates.get(f"{key}, K = {controls}")) for controls in CONTROLS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(item: dict[str, Any] | None) -> str:
    if item is None:
        return "–"  # noqa: RUF001 - a dash, not a minus
    return (
        f"{item['flagged']} of {item['submissions']} "
        f"({100 * item['low']:.0f} to {100 * item['high']:.0f} %); "
        f"{item['advantage_mean']:+.2f} ± {item['advantage_deviation']:.2f}"
    )


def main() -> None:
    """Print the rates, and write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("populations", type=Path, help="folder with a folder for each challenge")
    parser.add_argument(
        "--honest",
        type=re.compile,
        default=re.compile(
            r"(original|finetune|noisy_finetune|scrub|negative_gradient|random_labels|long_finetune|"
            r"reset_head|tuned|best_of_three|averaged|matched_to_val)-\d+"
        ),
        help="names of populations of honest methods",
    )
    parser.add_argument("--json", type=Path, help="also write them to this file")
    options = parser.parse_args()
    with threadpool_limits(1):
        result = report(options.populations, options.honest)
    print(f"{result['challenges']} challenges")
    for kind in ("honest", "cheats"):
        for name, item in result[kind].items():
            print(
                f"{kind:7} {name:45} {item['flagged']:4} of {item['submissions']:4} "
                f"({item['low']:.1%} to {item['high']:.1%}), advantage {item['advantage_mean']:+.3f} ± "
                f"{item['advantage_deviation']:.3f}, most {item['advantage_most']:+.3f}, "
                f"limit {item['limit']:.3f}"
            )
    print(table(result))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
