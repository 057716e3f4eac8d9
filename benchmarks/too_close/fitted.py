"""Populations fitted to public references: chosen among retrainings made at home, or steered.

All are arrays of confidences [models, examples]. ``pool`` holds honest retrainings, ``references`` the public
ones; nothing here trains a network.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scoring.checks import CountArray, FloatArray
from scoring.flags.mmd import radial_kernel, standardised
from scoring.published.epsilon import forgetting_quality, published_epsilon

_SWEEPS = 4
_COSINES = 8


def matching_quantiles(pool: FloatArray, references: FloatArray, n: int) -> CountArray:
    """Choose n of the pool whose quantiles on each example are those of the references."""
    columns: FloatArray = np.sort(references, axis=0).T

    def features(values: FloatArray) -> FloatArray:
        ranks = np.stack(
            [
                (np.searchsorted(column, value) + np.searchsorted(column, value, side="right")) / 2
                for column, value in zip(columns, values.T, strict=True)
            ],
            axis=1,
        ) / len(references)
        return np.concatenate([np.cos(np.pi * k * ranks) / k for k in range(1, _COSINES + 1)], axis=1)

    own, target = features(pool), features(references).mean(axis=0)
    return _nearest_mean(own @ own.T, own @ target, n)


def herding(pool: FloatArray, references: FloatArray, n: int, *, width: float = 2.0) -> CountArray:
    """Choose n of the pool with the least maximum mean discrepancy to the references."""
    points, _ = standardised(np.concatenate([pool, references]), pool[:0])
    kernel = radial_kernel(points, width=width)
    size = len(pool)
    return _nearest_mean(kernel[:size, :size], kernel[:size, size:].mean(axis=1), n)


def highest_quality(pool: FloatArray, references: FloatArray, n: int, *, tries: int) -> CountArray:
    """Choose n of the pool by exchanging one after the other whenever F grows, from matched quantiles."""
    rng = np.random.default_rng(0)
    chosen = matching_quantiles(pool, references, n)

    def value(rows: CountArray) -> float:
        epsilon = published_epsilon(pool[rows], references)
        return forgetting_quality(epsilon, n) - 1e-3 * float(epsilon.mean())

    best = value(chosen)
    for _ in range(tries):
        other = chosen.copy()
        other[rng.integers(n)] = rng.choice(np.setdiff1d(np.arange(len(pool)), chosen))
        if (quality := value(other)) > best:
            best, chosen = quality, other
    return chosen


def nearest_to_references(pool: FloatArray, references: FloatArray, n: int) -> CountArray:
    """Choose the n of the pool that are nearest to any reference."""
    points, others = standardised(references, pool)
    squared = (others**2).sum(axis=1)[:, np.newaxis] + (points**2).sum(axis=1) - 2 * others @ points.T
    nearest: CountArray = np.argsort(squared.min(axis=1))[:n]
    return nearest


def even(pool: FloatArray, n: int) -> CountArray:
    """Choose n of the pool that represent the pool evenly, without any reference."""
    return matching_quantiles(pool, pool, n)


def cheats(
    pool: FloatArray, references: FloatArray, n: int, *, rng: np.random.Generator, tries: int
) -> dict[str, Callable[[], FloatArray]]:
    """Return each cheat by name, as a function that makes n checkpoints.

    Args:
        pool: Honest retrainings to choose from, n or more. Shape [pool, examples].
        references: Public references. Shape [m, examples].
        n: Number of checkpoints.
        rng: Source of chance.
        tries: Number of exchanges that `highest_quality` tries.
    """
    deviation, m = references.std(axis=0), len(references)
    half = n // 2
    others = pool[len(pool) - half :]
    rest = pool[: len(pool) - half]

    def copies(noise: float, count: int = n) -> FloatArray:
        rows = rng.permutation(np.arange(count) % m)
        noisy: FloatArray = references[rows] + noise * deviation * rng.normal(
            size=(count, references.shape[1])
        )
        return noisy

    def around_their_mean() -> FloatArray:
        drawn: FloatArray = references.mean(axis=0) + deviation * rng.normal(size=(n, references.shape[1]))
        return drawn

    def shuffled() -> FloatArray:
        rows = np.arange(n) % m
        return np.stack([rng.permutation(column[rows]) for column in references.T], axis=1)

    return {
        "chosen: quantiles matched": lambda: pool[matching_quantiles(pool, references, n)],
        "chosen: herding": lambda: pool[herding(pool, references, n)],
        "chosen: F increased": lambda: pool[highest_quality(pool, references, n, tries=tries)],
        "chosen: nearest to references": lambda: pool[nearest_to_references(pool, references, n)],
        "chosen: even, without references": lambda: pool[even(pool, n)],
        "half chosen (quantiles), half honest": lambda: np.concatenate(
            [rest[matching_quantiles(rest, references, n - half)], others]
        ),
        "half chosen (herding), half honest": lambda: np.concatenate(
            [rest[herding(rest, references, n - half)], others]
        ),
        "references + noise 0.3": lambda: copies(0.3),
        "references + noise 0.6": lambda: copies(0.6),
        "an eighth references + noise 0.3": lambda: np.concatenate(
            [copies(0.3, max(n // 8, 1)), pool[: n - max(n // 8, 1)]]
        ),
        "one reference + noise 0.2": lambda: np.concatenate([copies(0.2, 1), pool[: n - 1]]),
        "steered: their values, each example shuffled": shuffled,
        "steered: their mean + their spread": around_their_mean,
    }


def _nearest_mean(kernel: FloatArray, target: FloatArray, n: int) -> CountArray:
    """Choose n rows whose mean is nearest to a target in kernel space: greedily, then by exchanges.

    Args:
        kernel: Of the pool. Shape [pool, pool].
        target: Mean kernel value of each with the target. Shape [pool].
        n: Number to choose.
    """
    free, diagonal = np.ones(len(target), dtype=np.bool_), np.diag(kernel)
    total, chosen = np.zeros(len(target)), np.empty(n, dtype=np.intp)
    for i in range(n):
        loss = np.where(free, (2 * total + diagonal) / (i + 1) ** 2 - 2 * target / (i + 1), np.inf)
        chosen[i] = loss.argmin()
        free[chosen[i]] = False
        total += kernel[:, chosen[i]]
    for _ in range(_SWEEPS):
        for i in range(n):
            free[chosen[i]] = True
            total -= kernel[:, chosen[i]]
            chosen[i] = np.where(free, (2 * total + diagonal) / n**2 - 2 * target / n, np.inf).argmin()
            free[chosen[i]] = False
            total += kernel[:, chosen[i]]
    return chosen
