"""The checkpoints that an evaluation has kept in the store's folder."""

from __future__ import annotations

from dataclasses import dataclass

from runner.errors import ConfigurationError
from runner.files import read_stored_file
from runner.parsers.checkpoint import content_sha256
from runner.parsers.safetensors import CheckpointError
from runner.store.paths import MAX_CHECKPOINT_BYTES, EvaluationPaths
from runner.store.store import Store
from runner.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCheckpoint:
    """A checkpoint on disk."""

    index: int
    """Of its run."""
    seed: int
    verdict: Verdict
    bytes: int
    sha256: str
    """Of names and values, as it was recorded when the run ended."""
    is_evaluated: bool
    """False while the evaluation still needs it."""


def kept_checkpoints(store: Store, paths: EvaluationPaths, evaluation: str) -> list[KeptCheckpoint]:
    """Return an evaluation's checkpoints on disk, by run, without those of its control problems."""
    checkpoints = []
    for run in store.runs(evaluation):
        try:
            size = paths.checkpoint(run.index).stat().st_size
        except OSError:
            continue
        checkpoints.append(
            KeptCheckpoint(
                index=run.index,
                seed=run.seed,
                verdict=run.verdict,
                bytes=size,
                sha256=run.checkpoint_sha256,
                is_evaluated=run.evaluated or run.verdict is not Verdict.OK,
            )
        )
    return checkpoints


def read_kept_checkpoint(paths: EvaluationPaths, checkpoint: KeptCheckpoint) -> bytes:
    """Return the bytes of a checkpoint, in the safetensors format.

    Raises:
        ConfigurationError: its file is gone, or its content is not the one that was recorded.
    """
    file = paths.checkpoint(checkpoint.index)
    try:
        data = read_stored_file(file, max_bytes=MAX_CHECKPOINT_BYTES)
        is_whole = content_sha256(data) == checkpoint.sha256
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error
    except CheckpointError:
        is_whole = False
    if not is_whole:
        raise ConfigurationError(f"{file} is not what run {checkpoint.index} returned: it was changed since.")
    return data
