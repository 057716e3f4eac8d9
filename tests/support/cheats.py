"""Simulated cheats: two bad methods that together have the right distribution on every example."""

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray

SLANT = 1.5
"""Skewness parameter at which a method alone has F = 0.005 at 512 models; both together have 0.19."""


def mixture(rng: np.random.Generator, models: int, examples: int, slant: float = SLANT) -> FloatArray:
    """Return confidences of a cheat: the first half from a method that is too high, the rest too low.

    A skew-normal variable with parameter ``slant`` or ``-slant``, by equal chance, is standard
    normal exactly: so each example alone looks like a reference's standard normal sample.
    """
    return np.concatenate(
        [one_sided(rng, models // 2, examples, slant), one_sided(rng, models - models // 2, examples, -slant)]
    )


def one_sided(rng: np.random.Generator, models: int, examples: int, slant: float = SLANT) -> FloatArray:
    """Return confidences of one method: skew-normal, independent. Shape [models, examples]."""
    weight = slant / np.hypot(1, slant)
    normal = rng.normal(size=(2, models, examples))
    return np.asarray(weight * np.abs(normal[0]) + np.sqrt(1 - weight**2) * normal[1])


def realistic(
    rng: np.random.Generator, models: int, examples: int, method: ArrayLike | None = None
) -> FloatArray:
    """Return confidences with a factor common to all examples, heavy tails and a scale per example.

    Args:
        rng: Source of chance.
        models: Number of checkpoints.
        examples: Number of forget examples; example e has the same scale in every call.
        method: None for references, else +1 (too high) or -1 (too low) for each checkpoint.
    """
    factor = rng.normal(size=(models, 1))
    own = rng.normal(size=(models, examples))
    normal = np.sqrt(0.3) * factor + np.sqrt(0.7) * own
    if method is not None:
        weight = SLANT / np.hypot(1, SLANT)
        pushed = np.abs(rng.normal(size=(models, examples))) * np.asarray(method)[:, np.newaxis]
        normal = weight * pushed + np.sqrt(1 - weight**2) * normal
    tails = normal * np.exp(0.1 * normal**2)
    position = np.random.default_rng(99)
    return np.asarray(position.normal(4, 3, size=examples) + position.uniform(0.5, 2, size=examples) * tails)
