"""The conditions of evaluations: from their manifests, terms and score cards, once; then from the store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.files import read_stored_file
from runner.leaderboard.candidates import Conditions
from runner.results.manifest import Manifest, ManifestError, parse_manifest
from runner.store.leaderboard.records import StoredConditions
from runner.store.paths import DEFAULT_WHERE, MAX_JSON_BYTES, EvaluationPaths
from runner.store.records import ShownTerms
from runner.store.store import Store
from runner.store.stored_evaluation import StoredEvaluation
from scoring.card.version import score_version

_NO_MANIFEST: Final = "its manifest is missing or was changed; see: unlearn verify"
_NO_CARD: Final = "its score card is missing or was changed; see: unlearn verify"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoConditions:
    """Why the conditions of an evaluation are not known."""

    reason: str


def conditions_of(
    store: Store, folder: Path, evaluations: Sequence[StoredEvaluation]
) -> dict[str, StoredConditions | NoConditions]:
    """Return the conditions of evaluations that have ended; what is not stored yet is read and stored.

    Args:
        store: That records them.
        folder: Of the store.
        evaluations: With a summary.
    """
    recorded = store.all_conditions()
    conditions: dict[str, StoredConditions | NoConditions] = {}
    for evaluation in evaluations:
        if evaluation.id in recorded:
            conditions[evaluation.id] = recorded[evaluation.id]
            continue
        read = _read(EvaluationPaths(folder=folder / evaluation.id), evaluation.manifest_sha256)
        if isinstance(read, StoredConditions) and evaluation.manifest_sha256 and store.writable:
            store.record_conditions(evaluation.id, evaluation.manifest_sha256, read)
        conditions[evaluation.id] = read
    return conditions


def table_conditions(
    evaluation: StoredEvaluation, stored: StoredConditions, terms: Sequence[ShownTerms]
) -> Conditions:
    """Return what an evaluation must have in common with others to stand in their table.

    A time limit that is a fraction of retraining is the same on machines that are differently fast.
    """
    limits: dict[str, float] = json.loads(stored.limits)
    for item in terms:
        if item.wall_fraction is not None:
            limits["wall_fraction"] = item.wall_fraction
        else:
            limits["wall_seconds"] = item.wall_seconds
    return Conditions(
        challenge_sha256=evaluation.challenge_sha256,
        n=evaluation.n,
        image=stored.image,
        limits=tuple(sorted(limits.items())),
        isolation=stored.isolation,
        runtime=stored.runtime,
        device=stored.device,
        scorer=stored.scorer or 0,
    )


def _read(paths: EvaluationPaths, manifest_sha256: str | None) -> StoredConditions | NoConditions:
    try:
        text = read_stored_file(paths.manifest, max_bytes=MAX_JSON_BYTES)
        if hashlib.sha256(text).hexdigest() != manifest_sha256:
            return NoConditions(reason=_NO_MANIFEST)
        manifest = parse_manifest(text)
    except (OSError, ManifestError):
        return NoConditions(reason=_NO_MANIFEST)
    scorer: int | None = None
    if manifest.card_sha256 is not None:
        try:
            card = read_stored_file(paths.card, max_bytes=MAX_JSON_BYTES)
            if hashlib.sha256(card).hexdigest() != manifest.card_sha256:
                return NoConditions(reason=_NO_CARD)
            scorer = score_version(int(json.loads(card)["schema_version"]))
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return NoConditions(reason=_NO_CARD)
    return _stated(manifest, scorer)


def _stated(manifest: Manifest, scorer: int | None) -> StoredConditions:
    isolation, runtime, device = (
        str(manifest.settings.get(name, usual))
        for name, usual in zip(("isolation", "runtime", "device"), DEFAULT_WHERE, strict=True)
    )
    limits = {
        name: float(value)
        for name, value in manifest.limits.items()
        if not name.startswith("wall_") and isinstance(value, int | float)
    }
    return StoredConditions(
        image=manifest.image.config or manifest.image.inputs,
        isolation=isolation,
        runtime=runtime or manifest.versions.get("runtime", "") or "not recorded",
        device=device,
        limits=json.dumps(limits, sort_keys=True),
        scorer=scorer,
    )
