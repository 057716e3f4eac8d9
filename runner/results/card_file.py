"""``card.json``: the whole score card of an evaluation, stored once and read by all commands that show it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from runner.files import file_sha256, read_stored_file
from runner.results.manifest import ManifestError, parse_manifest
from runner.store.paths import MAX_JSON_BYTES, EvaluationPaths

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard


def card_bytes(card: ScoreCard) -> bytes:
    """Return the content of ``card.json``."""
    return (json.dumps(json.loads(card.to_json()), indent=1) + "\n").encode()


def read_card(paths: EvaluationPaths, manifest_sha256: str | None) -> ScoreCard | None:
    """Return the stored card of an evaluation, or None if it is missing or was changed.

    Args:
        paths: Of the evaluation.
        manifest_sha256: The hash of the manifest that the store recorded; the manifest names the card's hash.
    """
    try:
        manifest_text = read_stored_file(paths.manifest, max_bytes=MAX_JSON_BYTES)
        card_text = read_stored_file(paths.card, max_bytes=MAX_JSON_BYTES)
        if hashlib.sha256(manifest_text).hexdigest() != manifest_sha256:
            return None
        if hashlib.sha256(card_text).hexdigest() != parse_manifest(manifest_text).card_sha256:
            return None
    except (OSError, ManifestError):
        return None
    from scoring.card.card import ScoreCard  # noqa: PLC0415 - imports SciPy

    try:
        return ScoreCard.from_json(card_text)
    except ValueError:  # another version of this project wrote it
        return None


def has_recorded_card(paths: EvaluationPaths) -> bool:
    """Return whether the card that the manifest names is on disk; True where it names none."""
    try:
        manifest = read_stored_file(paths.manifest, max_bytes=MAX_JSON_BYTES)
        recorded = parse_manifest(manifest).card_sha256
    except (OSError, ManifestError):
        return False
    return recorded is None or file_sha256(paths.card) == recorded
