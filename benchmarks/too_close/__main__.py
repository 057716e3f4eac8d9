"""How often ``too-close`` is raised for honest retraining, and for populations fitted to the references.

Run it from the repository's root; each part adds its counts to the file, so it may be run in pieces::

    python -m benchmarks.too_close null --kind normal --sizes 64x64 --repetitions 500
    python -m benchmarks.too_close null --kind retrained --pool digits-0.npz --sizes 64x64
    python -m benchmarks.too_close power --pool digits-0.npz --sizes 64x64 --repetitions 5
    python -m benchmarks.too_close methods --folder populations      # folders with references.npz and others
    python -m benchmarks.too_close table     # writes docs/metrics.md; prints what scoring/card/levels.py says

A pool is an npz file of `scoring.save_outputs` with many networks retrained alike: both sides are drawn from
it without replacement, with other draws in each repetition.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.too_close.fitted import cheats
from benchmarks.too_close.results import FILE, load, retraining_alarms, table, with_tables
from scoring.checks import FloatArray
from scoring.flags.duplicates import Duplicates
from scoring.flags.find import find_flags
from scoring.flags.joint_attack import SIGNIFICANCE
from scoring.flags.mmd import discrepancy_test, pool_checkpoints
from scoring.flags.too_close import TooClose, find_too_close
from scoring.outputs import load_outputs
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.statistics.ceiling import Ceiling, ceiling
from tests.support.cheats import realistic

EXAMPLES: Final = 63
SHARED: Final = 4
"""Honest sets that are compared with one set of references, since the ceiling takes most of the time."""
CHOICE: Final = 7
"""A cheat chooses among so many times n retrainings, as far as the pool goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was observed of one population."""

    name: str
    """Of the kind of population."""
    flag: TooClose | None
    share: float
    """F over the ceiling."""
    others: tuple[str, ...] = ()
    """Other flags, by kind."""


def examine(
    name: str,
    unlearned: FloatArray,
    retrained: FloatArray,
    seed: int,
    *,
    limit: Ceiling | None = None,
    with_others: bool = False,
) -> Result:
    """Return the flag, as on a score card.

    Args:
        name: Of the kind of population.
        unlearned: Confidences. Shape [n, examples].
        retrained: Confidences. Shape [m, examples].
        seed: Of everything random.
        limit: The ceiling, if it has been computed.
        with_others: Look for the other flags of confidences too.
    """
    n = len(unlearned)
    quality = forgetting_quality(published_epsilon(unlearned, retrained), n)
    limit = limit or ceiling(retrained, n, seed=seed)
    pool = pool_checkpoints(unlearned, retrained)
    discrepancy = discrepancy_test(pool.kernel, n=n, seed=seed)
    flag = find_too_close(
        unlearned,
        retrained,
        quality=quality,
        limit=limit,
        joint_p=discrepancy.smaller,
        seed=seed,
        pool=pool,
    )
    others: list[str] = []
    if with_others:
        kinds = [
            "exact-duplicates"
            if isinstance(other, Duplicates) and other.equal
            else re.sub(r"(?<!^)(?=[A-Z])", "-", type(other).__name__).lower()
            for other in find_flags(unlearned, retrained, seed=seed)
        ]
        others = [*(["joint-attack"] if discrepancy.larger <= SIGNIFICANCE else []), *dict.fromkeys(kinds)]
    share = quality / limit.quality.estimate if limit.quality.estimate else 0.0
    return Result(name=name, flag=flag, share=share, others=tuple(others))


def sampler(options: argparse.Namespace, rng: np.random.Generator) -> Callable[[int], FloatArray]:
    """Return a function that draws so many retrainings at once, all of one distribution."""
    if options.pool is not None:
        everything = load_outputs(options.pool).confidences()
        return lambda count: everything[rng.permutation(len(everything))[:count]]
    if options.kind == "realistic":
        return lambda count: realistic(rng, count, options.examples)
    return lambda count: rng.normal(size=(count, options.examples))


def null(options: argparse.Namespace, n: int, m: int) -> Iterator[Result]:
    """Yield the flag of honest retraining, again and again; some sets share their references."""
    draw = sampler(options, np.random.default_rng([options.seed, n, m]))
    for repetition in range(options.repetitions):
        models = draw(SHARED * n + m)
        retrained, seed = models[:m], options.seed + repetition
        limit = ceiling(retrained, n, seed=seed)
        for i in range((len(models) - m) // n):
            unlearned = models[m + i * n : m + (i + 1) * n]
            yield examine(options.kind, unlearned, retrained, seed, limit=limit)


def power(options: argparse.Namespace, n: int, m: int) -> Iterator[Result]:
    """Yield the flag of each cheat, again and again."""
    rng = np.random.default_rng([options.seed, n, m, 1])
    draw = sampler(options, rng)
    for repetition in range(options.repetitions):
        models = draw((CHOICE + 1) * n + m)
        chosen = cheats(models[m:], models[:m], n, rng=rng, tries=options.tries)
        for name, make in chosen.items():
            yield examine(name, make(), models[:m], options.seed + repetition)


def methods(options: argparse.Namespace) -> Iterator[Result]:
    """Yield the flag of every population in folders that have references."""
    for references in sorted(options.folder.glob("*/references.npz")):
        retrained = load_outputs(references).confidences()
        limit = ceiling(retrained, 64, seed=options.seed)
        for file in sorted(references.parent.glob("*.npz")):
            if file != references:
                unlearned = load_outputs(file).confidences()
                name = file.stem.rsplit("-", 1)[0]
                yield examine(name, unlearned, retrained, options.seed, limit=limit, with_others=True)


def add(part: str, results: Iterator[Result], sizes: str, file: Path) -> None:
    """Count the results and add them to the file; those of methods replace the previous ones."""
    started = time.process_time()
    with threadpool_limits(1):
        rows = list(results)
    stored = [entry for entry in load(file) if part != "methods" or entry["part"] != part]
    for name in dict.fromkeys(row.name for row in rows):
        same = [row for row in rows if row.name == name]
        tests: Counter[str] = Counter(kind for row in same for kind in row.others)
        for row in same:
            tests.update(() if row.flag is None else row.flag.tests)
        stored.append(
            {
                "part": part,
                "name": name,
                "sizes": sizes,
                "sets": len(same),
                "flagged": sum(row.flag is not None for row in same),
                "tests": dict(sorted(tests.items())),
                "share_of_ceiling": float(np.mean([row.share for row in same])),
            }
        )
        print(json.dumps(stored[-1]), flush=True)
    file.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    print(f"{part} {sizes}: {(time.process_time() - started) / max(len(rows), 1):.2f} s of one core for each")


def main() -> None:
    """Measure one part, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("part", choices=("null", "power", "methods", "table"))
    parser.add_argument("--kind", default="normal", help="normal, realistic, or the name of a pool")
    parser.add_argument("--pool", type=Path, help="npz file of networks that were trained alike")
    parser.add_argument("--folder", type=Path, help="of challenges with populations")
    parser.add_argument("--sizes", nargs="+", default=["64x64"], help="runs x references")
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--tries", type=int, default=300, help="exchanges of the search for a high F")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--file", type=Path, default=FILE, help="of results; new ones are added")
    options = parser.parse_args()
    if options.part == "table":
        stored = load(options.file)
        page = FILE.parents[2] / "docs" / "metrics.md"
        page.write_text(with_tables(page.read_text(encoding="utf-8"), stored), encoding="utf-8")
        print("\n".join([*table(stored), "", retraining_alarms(stored)]))
    elif options.part == "methods":
        add("methods", methods(options), "64x64", options.file)
    else:
        for sizes in options.sizes:
            n, m = map(int, sizes.split("x"))
            add(options.part, (null if options.part == "null" else power)(options, n, m), sizes, options.file)


if __name__ == "__main__":
    main()
