"""The versions of the scorer, in a file of their own: whoever only compares them need not import SciPy."""

from collections.abc import Mapping
from typing import Final

SCHEMA_VERSION: Final = 3
"""Increases when a field is added; no field ever gets another meaning, range or unit. A stored card of
another version is not read but computed again."""

SCORE_VERSIONS: Final[Mapping[int, int]] = {1: 1, 2: 1, 3: 1}
"""The version of the score itself, by the version of the card. It increases only if the same outputs would
have another score or other halves: leaderboards rank scores of one version, whatever else cards have."""

SCORE_VERSION: Final = SCORE_VERSIONS[SCHEMA_VERSION]
"""The version of the score that this program computes."""


def score_version(schema_version: int) -> int:
    """Return the version of the score on a card; of an unknown version, one that no known card has."""
    return SCORE_VERSIONS.get(schema_version, schema_version)
