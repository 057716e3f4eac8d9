"""Populations chosen from networks that were retrained at home, without any run: what `by_heart` returns.

Distances are means of absolute differences of confidences, so that a chosen set with a small energy distance
has, example by example, about the quantiles of its target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from scoring.checks import FloatArray
from scoring.published.epsilon import forgetting_quality, published_epsilon

Rows = NDArray[np.intp]
_SWEEPS: Final = 8
_EXCHANGES: Final = 600


def drawn_at_random(pool: FloatArray, _references: FloatArray, models: int, seed: int) -> Rows:
    """Return networks drawn with replacement: no run knows its number."""
    return np.random.default_rng(seed).integers(len(pool), size=models)


def without_repetition(pool: FloatArray, _references: FloatArray, models: int, seed: int) -> Rows:
    """Return distinct networks, chosen at random."""
    return np.random.default_rng(seed).choice(len(pool), size=models, replace=False)


def even(pool: FloatArray, _references: FloatArray, models: int, seed: int) -> Rows:
    """Return networks that represent the whole pool evenly."""
    return smallest_energy_distance(pool, pool, models, seed)


def smallest_energy_distance(pool: FloatArray, target: FloatArray, models: int, seed: int) -> Rows:
    """Return networks whose confidences are distributed as the target's, example by example.

    Args:
        pool: Confidences to choose from. Shape [networks, examples].
        target: Confidences to come close to. Shape [m, examples].
        models: How many to choose.
        seed: Of the first choice.
    """
    to_target = cdist(pool, target, "cityblock").mean(axis=1)
    between = cdist(pool, pool, "cityblock")
    chosen = without_repetition(pool, target, models, seed)
    for _sweep in range(_SWEEPS):
        changed = False
        for place in range(models):
            others = np.delete(chosen, place)
            # The energy distance with each network in this place, but for a constant.
            costs = 2 * to_target / models - 2 * between[:, others].sum(axis=1) / models**2
            costs[others] = np.inf
            best = int(costs.argmin())
            changed |= best != chosen[place]
            chosen[place] = best
        if not changed:
            break
    return chosen


def nearest(pool: FloatArray, references: FloatArray, models: int, _seed: int) -> Rows:
    """Return, for each of the first references, a network near to it, none twice."""
    scale = references.std(axis=0) + 1e-9
    distances = cdist(references[:models] / scale, pool / scale)
    return np.asarray(linear_sum_assignment(distances)[1], dtype=np.intp)


def largest_quality(pool: FloatArray, references: FloatArray, models: int, seed: int) -> Rows:
    """Return networks with a large forgetting quality: exchanges are accepted where it grows."""
    rng = np.random.default_rng(seed)
    chosen = smallest_energy_distance(pool, references, models, seed)
    quality = _quality(pool[chosen], references)
    for _exchange in range(_EXCHANGES):
        candidate = chosen.copy()
        candidate[rng.integers(models)] = rng.choice(np.setdiff1d(np.arange(len(pool)), chosen))
        of_candidate = _quality(pool[candidate], references)
        if of_candidate >= quality:
            chosen, quality = candidate, of_candidate
    return chosen


def half_chosen(pool: FloatArray, references: FloatArray, models: int, seed: int) -> Rows:
    """Return half of the networks chosen to suit the references, the other half at random."""
    chosen = smallest_energy_distance(pool, references, models // 2, seed)
    others = np.setdiff1d(np.arange(len(pool)), chosen)
    drawn = np.random.default_rng(seed).choice(others, size=models - models // 2, replace=False)
    return np.concatenate([chosen, drawn])


def _quality(unlearned: FloatArray, references: FloatArray) -> float:
    return forgetting_quality(published_epsilon(unlearned, references), len(unlearned))


SELECTIONS: Final[Mapping[str, tuple[Callable[[FloatArray, FloatArray, int, int], Rows], int]]] = {
    "home_64_random": (drawn_at_random, 64),
    "home_256_random": (drawn_at_random, 256),
    "home_256_even": (even, 256),
    "chosen_energy": (smallest_energy_distance, 256),
    "chosen_nearest": (nearest, 256),
    "chosen_quality": (largest_quality, 256),
    "chosen_half": (half_chosen, 256),
}
"""By name: how networks are chosen, and among how many. Those that are chosen to suit the references take
all that were retrained, but these at least."""
