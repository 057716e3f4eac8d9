"""The exception that a run reports of itself. Untrusted: the submission may have written every byte."""

from __future__ import annotations

import json
from typing import Final

from runner.verdict import RunError

_FIELDS: Final = ("stage", "type", "message", "traceback")


def parse_run_error(payload: bytes) -> RunError:
    """Read the child's description of an exception; what is malformed or no text counts as empty."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        found = {}
    return RunError(**{name: _text(found.get(name)) for name in _FIELDS})


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
