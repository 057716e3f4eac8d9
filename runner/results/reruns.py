"""Choose runs that are executed again, and compare them with the first execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.store.records import RunRecord


def compare_rerun(
    before: Mapping[int, RunRecord], after: Sequence[RunRecord], indices: Sequence[int]
) -> list[str]:
    """Return a sentence for each run that behaved differently when it was executed again."""
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
        elif run.checkpoint_sha256 != first.checkpoint_sha256:
            differences.append(
                f"run {index}: executed again with the same seed it gives another checkpoint "
                f"({run.checkpoint_sha256[:12]}, not {first.checkpoint_sha256[:12]}): the submission is not "
                "deterministic, or the checkpoint is not its own"
            )
        elif run.outputs_sha256 != first.outputs_sha256:
            differences.append(f"run {index}: executed again it gives the same checkpoint but other outputs")
    return differences


def evenly_spaced(indices: Sequence[int], count: int) -> list[int]:
    """Return ``count`` of the indices: the first, and others at even distances."""
    count = min(count, len(indices))
    return [indices[position * len(indices) // count] for position in range(count)]
