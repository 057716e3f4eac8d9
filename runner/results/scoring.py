"""TODO runner.results.scoring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs, unpack_outputs
from runner.errors import ConfigurationError, HostNotReadyError
from runner.parsers.npz import ArraysError
from runner.store.records import RunRecord
from sandbox.protocol.splits import SPLITS
from scoring.outputs import Outputs

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard


SCORE_WITHHELD: Final = (
    "This challenge came without references: your runs are judged, the organizer scores them."
)
"""Why there is no score on an export of a private challenge, where it is nobody's failure."""


def compute_card(
    challenge: Challenge,
    runs: Sequence[RunRecord],
    outputs: Callable[[int], Path],
    retraining_seconds: float | None,
) -> ScoreCard:
    """Return the score card of runs that all ended ``ok``.

    Raises:
        HostNotReadyError: outputs that were noted cannot be read.
        ValueError: they cannot be scored, say because the references are never right.
    """
    from scoring.card.make import CardOptions, score_card  # noqa: PLC0415 - seconds, which few commands need

    unlearned, references = load_populations(challenge, runs, outputs)
    return score_card(unlearned, references, CardOptions(retraining_seconds=retraining_seconds))


def load_populations(
    challenge: Challenge, runs: Sequence[RunRecord], outputs: Callable[[int], Path]
) -> tuple[Outputs, Outputs]:
    """Return what the scorer is given: the outputs of the runs, and of the references.

    Raises:
        ConfigurationError: the references are held back.
        HostNotReadyError: outputs that were noted cannot be read.
    """
    if challenge.references is None:
        raise ConfigurationError(SCORE_WITHHELD)
    found = [_read(challenge, outputs(run.index)) for run in runs]
    said = challenge.description
    counts = np.array([said.class_counts[split] for split in SPLITS])
    unlearned = Outputs(
        logits=np.stack([one.logits for one in found]),
        labels=challenge.forget_labels,
        correct=np.stack([one.correct for one in found]),
        class_counts=counts,
        unseen_losses=np.stack([one.unseen_losses for one in found]).astype(np.float64),
        seconds=np.array([run.run_seconds for run in runs]),
    )
    references = Outputs(
        logits=challenge.references.logits,
        labels=challenge.forget_labels,
        correct=challenge.references.correct,
        class_counts=counts,
        unseen_losses=challenge.references.unseen_losses.astype(np.float64),
    )
    return unlearned, references


def _read(challenge: Challenge, file: Path) -> NetworkOutputs:
    try:
        outputs = unpack_outputs(file.read_bytes(), challenge.output_shapes)
        outputs.require_finite()
    except (OSError, ArraysError) as error:
        raise HostNotReadyError(
            f"{file} is damaged; remove it and repeat the command to do that run again."
        ) from error
    return outputs
