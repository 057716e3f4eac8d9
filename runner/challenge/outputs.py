"""TODO runner.challenge.outputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner.challenge.layout import (
    REFERENCES_FILE,
)
from runner.errors import ConfigurationError
from runner.files import write_atomic
from runner.parsers.npz import ArraysError, pack_npz, unpack_npz
from sandbox.protocol.splits import SPLITS


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The outputs of the references: what unlearned checkpoints are compared with."""

    logits: NDArray[np.float32]
    """On the forget examples. Shape [references, examples, classes]."""

    correct: NDArray[np.int64]
    """Right answers by split and class. Shape [references, 4, classes]."""

    unseen_losses: NDArray[np.float32]
    """Cross-entropy of each test example. Shape [references, test examples]."""


def read_references(data: bytes) -> References:
    """Read ``references.npz``; arrays of plain numbers only.

    Raises:
        ConfigurationError: it is not such a file.
    """
    try:
        found = unpack_npz(data, OUTPUT_NAMES)
    except ValueError as error:
        raise ConfigurationError(
            f"{REFERENCES_FILE} cannot be read ({error}); build the challenge anew."
        ) from error
    return References(
        logits=found["logits"].astype(np.float32),
        correct=found["correct"].astype(np.int64),
        unseen_losses=found["unseen_losses"].astype(np.float32),
    )


OUTPUT_NAMES: Final = ("logits", "correct", "unseen_losses")
"""What is kept of every network, reference or unlearned; `sandbox.networks.outputs` computes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutputs:
    """What the evaluator computed from one checkpoint."""

    logits: NDArray[np.float32]
    """On the forget examples. Shape [examples, classes]."""
    correct: NDArray[np.int64]
    """Right answers by split and class; 0 for a split that is held back. Shape [4, classes]."""
    unseen_losses: NDArray[np.float32]
    """Cross-entropy of each test example, none where they are held back. Shape [test examples]."""


def pack_outputs(outputs: RunOutputs) -> bytes:
    """Return outputs as they are kept: the same bytes for the same outputs."""
    return pack_npz(**{name: getattr(outputs, name) for name in OUTPUT_NAMES})


def save_outputs(outputs: RunOutputs, file: Path) -> None:
    """Write outputs, whole or not at all."""
    write_atomic(file, pack_outputs(outputs))


def read_outputs(file: Path, *, examples: int, classes: int, unseen: int) -> RunOutputs | None:
    """Read what `save_outputs` wrote; None if it is not there or not what it should be."""
    try:
        found = unpack_npz(file.read_bytes(), OUTPUT_NAMES)
    except (OSError, ArraysError):
        return None
    kinds = [(found[name].dtype.str, found[name].shape) for name in OUTPUT_NAMES]
    if kinds != [("<f4", (examples, classes)), ("<i8", (len(SPLITS), classes)), ("<f4", (unseen,))]:
        return None
    if not all(np.isfinite(found[name]).all() for name in OUTPUT_NAMES):
        return None
    return RunOutputs(**found)
