"""Duplicates are found with few exact distances: the result equals that of all distances, to the last bit."""

import numpy as np
import pytest

from scoring.flags.duplicates import (
    Copies,
    _distances,
    _joined,
    _least_distances,
    _minimum_distance,
    find_duplicates,
)


def rows(kind, count=40, width=30):
    rng = np.random.default_rng(count + width)
    values = rng.normal(size=(count, width))
    if kind == "far":  # the squares lose ten digits
        values += 1e5
    elif kind == "near":  # every second row is close to its neighbour, at many scales
        values[1::2] = values[::2] + 10.0 ** -np.arange(1, 21)[:, np.newaxis]
    elif kind == "equal":
        values[1::2] = values[::2]
    elif kind == "scales":
        values *= 10.0 ** rng.uniform(-8, 8, size=width)
    elif kind == "huge":  # squares overflow
        values *= 1e160
    elif kind == "tiny":  # squares underflow
        values *= 1e-170
    elif kind == "grid":  # most distances are tied
        values = np.round(values)
    return values


KINDS = ["normal", "far", "near", "equal", "scales", "huge", "tiny", "grid"]


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("width", [1, 5, 30, 701])
@pytest.mark.parametrize("kind", KINDS)
def test_bounds_are_below_the_distances(kind, width):
    """No distance is below its bound, and the smallest distance is found whatever the bounds are."""
    values = rows(kind, width=width)
    distances = np.stack([_distances(row, values) for row in values])
    assert (_least_distances(values, values) <= distances).all()
    expected = min(float(_distances(values[i], values[i + 1 :]).min()) for i in range(len(values) - 1))
    assert _minimum_distance(values) == expected


def test_bounds_are_close_to_the_distances():
    """Otherwise nothing would be gained."""
    values = rows("normal")
    distances = np.stack([_distances(row, values) for row in values])
    off_diagonal = ~np.eye(len(values), dtype=bool)
    assert (_least_distances(values, values) > 0.999 * distances)[off_diagonal].all()


def slow_groups(values, tolerance):
    """Return the groups by following every distance below the tolerance."""
    near = np.stack([_distances(row, values) for row in values]) < tolerance
    linked = np.eye(len(values), dtype=bool)
    for _ in values:
        linked = linked | ((linked @ near) > 0)
    groups = {tuple(np.flatnonzero(row | linked[:, i]).tolist()) for i, row in enumerate(linked)}
    return sorted(group for group in groups if len(group) > 1)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("tolerance", [0.0, 1e-12, 1e-6, 0.5, 1.2])
@pytest.mark.parametrize("kind", KINDS)
def test_groups_equal_those_of_all_distances(kind, tolerance):
    """Groups joined by a chain of small distances are the same."""
    values = rows(kind)
    assert _joined(values, [[i] for i in range(len(values))], tolerance) == slow_groups(values, tolerance)


@pytest.mark.parametrize("noise", [0.0, 1e-12, 1e-3, 0.05])
def test_copies_equal_those_of_all_distances(noise):
    """Each checkpoint is assigned to its closest reference, the first of equally close ones."""
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(size=(2, 50, 20))
    retrained[1] = retrained[0] + 0.2
    unlearned[:10] = retrained[20:30] + noise * rng.normal(size=(10, 20))
    unlearned[10] = (retrained[0] + retrained[1]) / 2
    scale = retrained.std(axis=0)
    limit = 0.1 * _minimum_distance(retrained / scale)
    distances = np.stack([_distances(row, retrained / scale) for row in unlearned / scale])
    expected = [
        (i, int(row.argmin())) for i, row in enumerate(distances) if row.min() < limit or not row.min()
    ]
    copies = [flag for flag in find_duplicates(unlearned, retrained) if isinstance(flag, Copies)]
    assert [pair for flag in copies for pair in flag.pairs] == expected
