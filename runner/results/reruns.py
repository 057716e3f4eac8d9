"""Choose runs that are executed again, and compare them with the first execution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from runner.challenge.outputs import NetworkOutputs
from runner.store.records import RunRecord

GPU_TOLERANCE: Final = 1e-2
"""Largest difference of a logit on a GPU, in standard deviations of the logits. Chosen, not measured."""


def are_close(first: NetworkOutputs, again: NetworkOutputs, *, tolerance: float = GPU_TOLERANCE) -> bool:
    """Return whether two networks answer alike, up to what the order of sums on a GPU may change.

    Args:
        first: Outputs of a run.
        again: Of the same run, executed again.
        tolerance: In standard deviations of the first's logits.
    """
    scale = float(np.std(first.logits, dtype=np.float64))
    if first.logits.shape != again.logits.shape or not np.isfinite(scale):
        return False
    difference = np.abs(first.logits.astype(np.float64) - again.logits.astype(np.float64))
    return bool(np.all(difference <= tolerance * scale))


def compare_rerun(
    before: Mapping[int, RunRecord],
    after: Sequence[RunRecord],
    indices: Sequence[int],
    *,
    outputs_are_close: Callable[[int], bool] = lambda _index: False,
) -> list[str]:
    """Return a sentence for each run that behaved differently when it was executed again.

    Args:
        before: The runs as recorded, by index.
        after: Those that were executed again.
        indices: Of the runs to compare.
        outputs_are_close: Whether a run's outputs are close enough although its checkpoint is another one.
    """
    again = {run.index: run for run in after}
    differences = []
    for index in indices:
        first, run = before[index], again.get(index)
        if run is None:
            differences.append(f"run {index}: it could not be executed again")
        elif run.verdict is not first.verdict:
            differences.append(
                f"run {index}: executed again it ended as {run.verdict}, not as {first.verdict}"
            )
        elif run.checkpoint_sha256 != first.checkpoint_sha256 and not (
            first.checkpoint_sha256 and run.checkpoint_sha256 and outputs_are_close(index)
        ):
            differences.append(
                f"run {index}: executed again with the same seed it gives another checkpoint "
                f"({run.checkpoint_sha256[:12]}, not {first.checkpoint_sha256[:12]}): the submission is not "
                "deterministic, or the checkpoint is not its own"
            )
        elif (
            run.checkpoint_sha256 == first.checkpoint_sha256
            and run.outputs_sha256 != first.outputs_sha256
            and not outputs_are_close(index)
        ):
            differences.append(f"run {index}: executed again it gives the same checkpoint but other outputs")
    return differences


def evenly_spaced(indices: Sequence[int], count: int) -> list[int]:
    """Return ``count`` of the indices: the first, and others at even distances."""
    count = min(count, len(indices))
    return [indices[position * len(indices) // count] for position in range(count)]
