"""The exception that a run reports. Untrusted: the submission may have written every byte."""

from __future__ import annotations

import json
from typing import Final

from runner.verdict import RunError

_FIELDS: Final = ("stage", "type", "message", "traceback")


def parse_run_error(payload: bytes) -> RunError:
    """Read the child's description of an exception; what is malformed or not text counts as empty."""
    try:
        report = json.loads(payload)
    except (ValueError, RecursionError):
        report = None
    if not isinstance(report, dict):
        report = {}
    return RunError(**{name: _text(report.get(name)) for name in _FIELDS})


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
