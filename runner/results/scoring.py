"""Score an evaluation: load the outputs on disk for the scorer, and compute the score card."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs, unpack_outputs
from runner.challenge.probes import ReferenceProbes
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import UnexpectedFileError, read_stored_file
from runner.parsers.npz import NPZ_OVERHEAD_BYTES, ArraysError
from runner.results.controls import ControlRuns
from runner.store.records import RetrainingRecord, RunRecord
from runner.verdict import Verdict
from sandbox.protocol.probes import PERTURBED
from sandbox.protocol.splits import SPLITS
from scoring.baselines.run_time import run_time, slower_retraining
from scoring.outputs import Outputs
from scoring.probes.arrays import Probes

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard
    from scoring.card.options import CardOptions

SCORE_WITHHELD: Final = (
    "This challenge came without references: your runs are judged, the organizer scores them."
)
"""Why there is no score on an export of a private challenge, which is not a failure."""


def score_runs(
    challenge: Challenge,
    runs: Sequence[RunRecord],
    outputs: Callable[[int], Path],
    retraining: RetrainingRecord,
    controls: Sequence[ControlRuns] = (),
) -> ScoreCard | str | None:
    """Return the score card of an evaluation, or the sentence that says why it cannot be scored.

    Args:
        challenge: What it was evaluated on.
        runs: As published.
        outputs: Returns the path of a run's outputs.
        retraining: What retraining takes where the runs were executed.
        controls: The runs on control problems.

    Returns:
        None where a run failed or the references are withheld: there is nothing to score.

    Raises:
        HostNotReadyError: recorded outputs cannot be read.
    """
    if challenge.references is None or any(run.verdict is not Verdict.OK for run in runs):
        return None
    from scoring.card.make import score_card  # noqa: PLC0415 - imports SciPy and scikit-learn

    try:
        unlearned, references = load_populations(challenge, runs, outputs)
        return score_card(
            unlearned,
            references,
            card_options(retraining),
            controls=lambda: load_control_populations(controls),
        )
    except ValueError as error:  # for example because the references never classify correctly
        return str(error)


def card_options(retraining: RetrainingRecord, *, seed: int | None = None) -> CardOptions:
    """Return the options of a card whose run times are compared with those of retraining."""
    from scoring.card.options import CardOptions  # noqa: PLC0415 - imports SciPy

    first = retraining.processor_seconds
    return CardOptions(
        seed=seed,
        retraining_seconds=retraining.seconds,
        retraining_processor_seconds=(
            None if first is None else slower_retraining(first, retraining.processor_seconds_again)
        ),
        empty_run_processor_seconds=retraining.empty_run_processor_seconds or 0.0,
        retraining_fraction=retraining.fraction,
    )


def look_too_slow(runs: Sequence[RunRecord], retraining: RetrainingRecord) -> bool:
    """Return whether runs use more processor time than is allowed, as retraining was timed before them.

    False where processor time does not decide.
    """
    used = _processor_seconds(runs)
    if used is None or not used.size or retraining.processor_seconds is None or retraining.fraction is None:
        return False
    return run_time(
        [run.run_seconds for run in runs],
        [retraining.processor_seconds],  # by the clock, which does not decide
        allowed=retraining.fraction,
        processor_seconds=used,
        retraining_processor_seconds=retraining.processor_seconds,
        empty_run_processor_seconds=retraining.empty_run_processor_seconds or 0.0,
    ).too_slow


def load_control_populations(controls: Sequence[ControlRuns]) -> list[tuple[Outputs, Outputs]]:
    """Return the outputs of the runs and the references of each control problem.

    Raises:
        HostNotReadyError: recorded outputs cannot be read, or runs are missing.
        ValueError: they are not outputs of one challenge, or a control problem has no references.
    """
    populations = []
    for control in controls:
        if not control.runs or any(not run.evaluated for run in control.runs):
            raise HostNotReadyError(
                f"Runs on {control.challenge.folder} are missing; repeat the command that began the "
                "evaluation to execute them."
            )
        if control.challenge.references is None:
            raise ValueError("A control problem has no references.")
        populations.append(
            load_populations(control.challenge, control.runs, control.outputs, with_probes=False)
        )
    return populations


def load_populations(
    challenge: Challenge,
    runs: Sequence[RunRecord],
    outputs: Callable[[int], Path],
    *,
    with_probes: bool = True,
) -> tuple[Outputs, Outputs]:
    """Return what the scorer takes: the outputs of the unlearned networks, and of the references.

    Args:
        challenge: What the runs were evaluated on.
        runs: As published.
        outputs: Returns the path of a run's outputs.
        with_probes: Whether the probes are loaded too, where the challenge has them.

    Raises:
        ConfigurationError: the references are withheld, or their probes are damaged.
        HostNotReadyError: recorded outputs cannot be read.
        ValueError: they are not outputs of one challenge.
    """
    if challenge.references is None:
        raise ConfigurationError(SCORE_WITHHELD)
    networks = [read_outputs(challenge, outputs(run.index)) for run in runs]
    class_counts = challenge.description.class_counts
    counts = np.array([class_counts[split] for split in SPLITS])
    of_references = challenge.reference_probes() if with_probes else None
    of_runs, common = None, dict[str, Any]()
    if of_references is not None:
        of_runs = {
            kind: np.stack([network.probes[kind] for network in networks]) for kind in of_references.arrays
        }
        common["original_logits"] = of_references.original_logits
        if of_references.mislabelled.any():
            common["mislabelled"] = of_references.mislabelled
    unlearned = Outputs(
        logits=np.stack([network.logits for network in networks]),
        labels=challenge.forget_labels,
        correct=np.stack([network.correct for network in networks]),
        class_counts=counts,
        unseen_losses=np.stack([network.unseen_losses for network in networks]).astype(np.float64),
        seconds=np.array([run.run_seconds for run in runs]),
        processor_seconds=_processor_seconds(runs),
        probes=_probes(challenge, of_references, of_runs),
        **common,
    )
    references = Outputs(
        logits=challenge.references.logits,
        labels=challenge.forget_labels,
        correct=challenge.references.correct,
        class_counts=counts,
        unseen_losses=challenge.references.unseen_losses.astype(np.float64),
        probes=_probes(challenge, of_references, of_references.arrays if of_references is not None else None),
        **common,
    )
    return unlearned, references


def _processor_seconds(runs: Sequence[RunRecord]) -> NDArray[np.float64] | None:
    """Return the processor time of each run; None unless that of every run is known. Shape [runs]."""
    known = [run.processor_seconds for run in runs if run.processor_seconds is not None]
    return np.array(known) if len(known) == len(runs) else None


def _probes(
    challenge: Challenge,
    of_references: ReferenceProbes | None,
    arrays: Mapping[str, NDArray[np.float32]] | None,
) -> Probes | None:
    """Return the probes of a population, None if nothing was recorded."""
    settings = challenge.description.probes
    if settings is None or of_references is None or not arrays:
        return None
    values: dict[str, Any] = dict(arrays)
    values |= {f"{split}_labels": labels for split, labels in of_references.labels.items()}
    if PERTURBED in arrays:
        values["norms"] = np.array(settings.norms)
    return Probes(**values)


def read_outputs(challenge: Challenge, file: Path) -> NetworkOutputs:
    """Return the outputs in a file.

    Raises:
        HostNotReadyError: they cannot be read.
    """
    try:
        shapes = challenge.output_shapes
        outputs = unpack_outputs(
            read_stored_file(file, max_bytes=shapes.size_bytes + NPZ_OVERHEAD_BYTES), shapes
        )
        outputs.require_finite()
    except FileNotFoundError as error:
        raise HostNotReadyError(
            f"{file} is missing; repeat the command that began the evaluation to execute that run again."
        ) from error
    except UnexpectedFileError as error:
        raise HostNotReadyError(
            f"{file} {error.problem}, so it does not hold the outputs of a run; "
            "remove it and repeat the command to execute that run again."
        ) from error
    except (OSError, ArraysError) as error:
        raise HostNotReadyError(
            f"{file} is damaged; remove it and repeat the command to execute that run again."
        ) from error
    return outputs
