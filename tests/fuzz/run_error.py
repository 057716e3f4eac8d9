"""The exception that a run reports, from its JSON to the words of a report."""

from __future__ import annotations

import json

from runner.parsers.run_error import parse_run_error
from runner.sanitize import sanitize
from runner.verdict import Observation, Verdict, judge

INSTRUMENTED = ("runner.parsers.run_error", "runner.verdict", "runner.sanitize")
_VERDICTS = {
    *(Verdict.CRASHED, Verdict.NO_FUNCTION, Verdict.BAD_CHECKPOINT),
    *(Verdict.MEMORY_LIMIT, Verdict.GPU_MEMORY_LIMIT, Verdict.OUTPUT_LIMIT),
}


def one_input(data: bytes) -> None:
    """Any report gives one of six verdicts, never ``ok``, and can be stored and displayed."""
    error = parse_run_error(data)
    seen = Observation(host_seconds=1.0, wall_limit_seconds=2.0, exit_code=1, result="error", error=error)
    judgement = judge(seen)
    assert judgement.verdict in _VERDICTS
    for text in (judgement.detail, error.traceback):
        shown = sanitize(text, 2000)
        assert len(shown) <= 2001
        shown.encode()


def seeds() -> dict[str, bytes]:
    """Return a few reports to begin with."""
    said = {"stage": "call", "type": "ValueError", "message": "no", "traceback": "Traceback …"}
    return {
        "call": json.dumps(said).encode(),
        "import": json.dumps(said | {"stage": "import", "type": "_NoFunctionError"}).encode(),
        "memory": json.dumps(said | {"message": "can't allocate memory"}).encode(),
        "checkpoint": json.dumps(said | {"stage": "checkpoint", "message": "\ud800\u202e\x1b["}).encode(),
        "numbers": b'{"stage": 1e999, "type": [[]], "message": NaN, "traceback": null}',
        "utf-16": json.dumps(said).encode("utf-16"),
    }
