"""Cells: what they bound and list, compared with every pair of thresholds of a small grid."""

import math

import numpy as np
import pytest

from scoring.published.attacks import BUFFER
from scoring.published.batches import pool_examples
from scoring.published.cells import fewest_others, intervals, reachable_cells
from scoring.published.grid import Grid
from scoring.published.sorted_models import SortedModels

KINDS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "wide": lambda rng, size: rng.normal(size=size) * 9,
    "narrow": lambda rng, size: rng.normal(size=size) / 20,
    "ties": lambda rng, size: rng.integers(-6, 7, size=size) / 4,
}
PEAKY, OTHERS, EXAMPLES = 12, 15, 4


def numbers_inside(peaky, others):
    """Return the numbers of peaky members and of others inside each pair of thresholds."""
    low, high = peaky.min(), peaky.max()
    first, last = low + (high - low) - BUFFER, high + BUFFER
    right = np.linspace(first, last, math.ceil((last - first) * 100))
    left = np.linspace(right - (high - low) - BUFFER, right - (high - low) + BUFFER, 400)
    return [sum((left <= value) & (value <= right) for value in sample).ravel() for sample in (peaky, others)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_cells_bound_and_list_what_the_grid_reaches(kind, seed):
    """No pair includes fewer others than the smallest core of its diagonal, and listed are all that may.

    The listed intervals of so many peaky members and others include that of every pair with these numbers.
    """
    rng = np.random.default_rng(seed)
    confidences = KINDS[kind](rng, (PEAKY + OTHERS, EXAMPLES))
    models = SortedModels(confidences)
    samples = pool_examples(*models.samples(*np.split(np.arange(PEAKY + OTHERS), [PEAKY])))
    members = np.take_along_axis(samples.values, samples.peaky_at, axis=1)
    width = members[:, -1:] - members[:, :1]
    right = Grid.between(members[:, :1] + width - BUFFER, members[:, -1:] + BUFFER)
    cells = reachable_cells(members, samples.peaky_at, right)
    fewest = fewest_others(cells, others=OTHERS)
    for example in range(EXAMPLES):
        inside, more = numbers_inside(confidences[:PEAKY, example], confidences[PEAKY:, example])
        for number in np.unique(inside[inside > 0]):
            reached = int(more[inside == number].min())
            assert fewest[PEAKY - number, example] <= reached
            listed = intervals(
                cells,
                samples.peaky_at,
                example=np.array([example]),
                diagonal=np.array([PEAKY - number]),
                others=np.array([reached]),
            )
            in_range = (listed.first >= 0) & (listed.last < PEAKY + OTHERS)
            codes = samples.codes[example]
            of_listed = codes[listed.last[in_range] + 1] - codes[listed.first[in_range]]
            assert number * (OTHERS + 1) + reached in of_listed
