"""Seeds: the seed of each run, and whether a challenge's own seed can be guessed."""

from __future__ import annotations

import hashlib
from typing import Final

from runner.challenge.description import Description
from runner.challenge.layout import REFERENCES_FILE

GUESSABLE_SEEDS: Final = 1 << 32
"""Seeds below this number are few enough to try them all, by training the original network with each."""


def has_guessable_seed(description: Description) -> bool:
    """Return whether a private challenge's seed can be found by trial."""
    seed = description.seed
    return description.visibility == "private" and seed is not None and seed < GUESSABLE_SEEDS


def derive_run_seed(description: Description, challenge_sha256: str, index: int) -> int:
    """Return the seed of a run: 63 bits that reveal nothing of the challenge's seed.

    The bits are derived from the index, the challenge's seed and the hash of the references. From the seed
    alone, a run could try all seeds until one yields its own. Where seed and references are held back, the
    bits are derived from the hash of the export itself, and differ from the organizer's.
    """
    if description.seed is None:
        source = challenge_sha256
    elif "visibility" in description.model_fields_set:
        source = f"{description.seed} {description.files[REFERENCES_FILE]}"
    else:  # a challenge of an earlier version: evaluations on it started with these seeds
        source = str(description.seed)
    digest = hashlib.sha256(f"run {source} {index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
