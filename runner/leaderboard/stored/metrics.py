"""Entries of score cards on random halves: from outputs on disk, once; then from the store."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from runner.challenge.challenge import Challenge
from runner.errors import HostNotReadyError
from runner.leaderboard.stored.halves import require_recorded_outputs
from runner.progress import Reporter
from runner.results.scoring import load_populations
from runner.store.leaderboard.records import StoredHalves
from runner.store.paths import EvaluationPaths
from runner.store.store import Store
from runner.store.stored_evaluation import StoredEvaluation
from scoring.card.halved_metrics import halved_metric
from scoring.card.version import SCHEMA_VERSION
from scoring.statistics.halves import HalvedScore


def metrics_on_halves(
    store: Store,
    folder: Path,
    evaluations: Sequence[StoredEvaluation],
    values: Mapping[str, float],
    *,
    metric: str,
    seed: int,
    challenge: Callable[[], Challenge],
    reporter: Reporter,
) -> dict[str, HalvedScore | str]:
    """Return an entry of the cards of evaluations on random halves; what is not stored yet is computed.

    Args:
        store: That records them.
        folder: Of the store.
        evaluations: With a score card, on one challenge.
        values: The entry on each card, by the evaluation.
        metric: Fields of the card, with dots between.
        seed: Of the halves.
        challenge: Returns that challenge; called only if something has to be computed.
        reporter: Receives the progress.

    Returns:
        By the evaluation: the values, or the sentence why there are none.

    Raises:
        ConfigurationError: the challenge cannot be used.
    """
    recorded = store.all_halved_metrics(metric=metric, seed=seed, scorer=SCHEMA_VERSION)
    halved: dict[str, HalvedScore | str] = {
        evaluation.id: HalvedScore(value=stored.value, halves=np.array(stored.halves))
        for evaluation in evaluations
        if (stored := recorded.get(evaluation.id)) is not None
        and math.isclose(stored.value, values[evaluation.id], rel_tol=1e-9, abs_tol=1e-12)
    }
    missing = [evaluation for evaluation in evaluations if evaluation.id not in halved]
    for number, evaluation in enumerate(missing):
        reporter.count("comparing entries", number, len(missing))
        runs, paths = store.runs(evaluation.id), EvaluationPaths(folder=folder / evaluation.id)
        try:
            require_recorded_outputs(runs, paths)
            unlearned, references = load_populations(challenge(), runs, paths.outputs, with_probes=False)
            value = halved_metric(metric, values[evaluation.id], unlearned, references, seed=seed)
        except (ValueError, HostNotReadyError) as error:  # too few models, or outputs that are gone
            halved[evaluation.id] = str(error)
            continue
        halved[evaluation.id] = value
        if evaluation.manifest_sha256 and store.writable:
            store.record_halved_metric(
                evaluation.id,
                evaluation.manifest_sha256,
                StoredHalves(value=value.value, halves=[(float(a), float(b)) for a, b in value.halves]),
                metric=metric,
                seed=seed,
                scorer=SCHEMA_VERSION,
            )
    if missing:
        reporter.count("comparing entries", len(missing), len(missing))
    return halved
