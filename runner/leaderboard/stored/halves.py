"""Scores on random halves: from outputs on disk, once; then from the store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from runner.challenge.challenge import Challenge
from runner.challenge.description import Description
from runner.challenge.layout import REFERENCES_FILE
from runner.errors import HostNotReadyError
from runner.files import file_sha256
from runner.progress import Reporter
from runner.results.scoring import load_populations
from runner.store.leaderboard.records import StoredHalves
from runner.store.paths import EvaluationPaths
from runner.store.records import RunRecord
from runner.store.store import Store
from runner.store.stored_evaluation import StoredEvaluation
from scoring.card.version import SCORE_VERSION
from scoring.outputs import Outputs
from scoring.statistics.comparison import ModelOutputs
from scoring.statistics.halves import HalvedScore, halved_score

_SEED_BYTES: Final = 4


def halving_seed(description: Description) -> int:
    """Return the seed of the halves of a challenge's submissions.

    It follows from the references, which participants of a private challenge do not have: a run may know its
    own index, and must not know beforehand which half it will be in.
    """
    references = description.files.get(REFERENCES_FILE, "")
    digest = hashlib.sha256(f"halves of a leaderboard: {references}".encode()).digest()
    return int.from_bytes(digest[:_SEED_BYTES], "big")


def halves_of(
    store: Store,
    folder: Path,
    evaluations: Sequence[StoredEvaluation],
    *,
    seed: int,
    challenge: Callable[[], Challenge],
    reporter: Reporter,
) -> dict[str, HalvedScore | str | HostNotReadyError]:
    """Return the scores of evaluations on random halves; what is not stored yet is computed and stored.

    Args:
        store: That records them.
        folder: Of the store.
        evaluations: With a score, on one challenge.
        seed: Of the halves.
        challenge: Returns that challenge; called only if something has to be computed.
        reporter: Receives the progress.

    Returns:
        By the evaluation: the score, the sentence why there is none, or what is wrong with its files.

    Raises:
        ConfigurationError: the challenge cannot be used.
    """
    recorded = store.all_halves(seed=seed, scorer=SCORE_VERSION)
    scores: dict[str, HalvedScore | str | HostNotReadyError] = {
        evaluation.id: _from_store(recorded[evaluation.id])
        for evaluation in evaluations
        if evaluation.id in recorded
    }
    missing = [evaluation for evaluation in evaluations if evaluation.id not in scores]
    for number, evaluation in enumerate(missing):
        reporter.count("comparing submissions", number, len(missing))
        runs = store.runs(evaluation.id)
        try:
            score = _computed(challenge(), runs, EvaluationPaths(folder=folder / evaluation.id), seed)
        except ValueError as error:  # too few references, or they never classify correctly
            scores[evaluation.id] = str(error)
            continue
        except HostNotReadyError as error:
            scores[evaluation.id] = error
            continue
        scores[evaluation.id] = score
        if evaluation.manifest_sha256 and store.writable:
            store.record_halves(
                evaluation.id,
                evaluation.manifest_sha256,
                StoredHalves(value=score.value, halves=[(float(a), float(b)) for a, b in score.halves]),
                seed=seed,
                scorer=SCORE_VERSION,
            )
    if missing:
        reporter.count("comparing submissions", len(missing), len(missing))
    return scores


def _computed(
    challenge: Challenge, runs: Sequence[RunRecord], paths: EvaluationPaths, seed: int
) -> HalvedScore:
    """Compute the score of an evaluation on halves, from outputs that are those which were recorded.

    Raises:
        HostNotReadyError: an output is missing, damaged, or not the recorded one.
        ValueError: they cannot be scored on halves.
    """
    require_recorded_outputs(runs, paths)
    unlearned, references = load_populations(challenge, runs, paths.outputs, with_probes=False)
    return halved_score(_models(unlearned), _models(references), seed=seed)


def require_recorded_outputs(runs: Sequence[RunRecord], paths: EvaluationPaths) -> None:
    """Require that the outputs of runs are those that were recorded.

    Raises:
        HostNotReadyError: one is missing or was changed.
    """
    for run in runs:
        if run.outputs_sha256 and file_sha256(paths.outputs(run.index)) != run.outputs_sha256:
            raise HostNotReadyError(f"the outputs of run {run.index} are missing or were changed")


def _models(outputs: Outputs) -> ModelOutputs:
    return ModelOutputs(confidences=outputs.confidences(), accuracies=outputs.accuracies())


def _from_store(stored: StoredHalves) -> HalvedScore:
    return HalvedScore(value=stored.value, halves=np.array(stored.halves))
