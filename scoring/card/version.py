"""The version of the scorer, in a file of its own: whoever only compares versions need not import SciPy."""

from typing import Final

SCHEMA_VERSION: Final = 2
"""Increases when a field is added; no field ever gets another meaning, range or unit. A stored card of
another version is not read but computed again."""
