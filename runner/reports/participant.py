"""What may a participant be told of an evaluation? What its challenge's policy allows, and no more.

Under ``full`` everything about their own submission. Under ``verdict-only`` nothing that the
submission chose itself may pass, since it has seen hidden images and could spell them out: no
output, no details, no traceback, no path, no name of its own invention, no exact time. What is
left are a few words a run from a fixed list, whole seconds, and the score.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from runner.challenge.description import Feedback
from runner.results.scoring import SCORE_WITHHELD
from runner.results.summary import OTHER_SUBMISSION
from runner.sanitize import sanitize, sanitize_line
from runner.store.records import RunRecord
from runner.verdict import Verdict

SCHEMA_VERSION: Final = 1
OTHER_EXCEPTION: Final = "Exception"

_OF_LIBRARIES: Final = frozenset(
    {
        *("OutOfMemoryError", "AcceleratorError", "BackendCompilerFailed", "UnpicklingError"),  # torch
        *("LinAlgError", "AxisError", "DTypePromotionError"),  # numpy, and torch for the first
    }
)
_KNOWN: Final = _OF_LIBRARIES | {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
_FIGURES: Final = ("score", "forgetting_quality", "retain_ratio", "test_ratio", "epsilon_mean")
_SCORE_DIGITS: Final = 6


def exception_name(claimed: str) -> str:
    """Return an exception's name if it is a well-known one, else ``Exception``.

    Its class is named by the submission, so any other name could carry a message. An empty
    name stays empty: there was no exception.
    """
    return claimed if claimed in _KNOWN or not claimed else OTHER_EXCEPTION


def participant_report(
    *,
    evaluation: Mapping[str, Any],
    terms: Sequence[Mapping[str, Any]],
    runs: Sequence[RunRecord],
    log: Callable[[int], str],
) -> dict[str, Any]:
    """Return a participant's view of an evaluation, as plain values for JSON.

    Args:
        evaluation: What the store says of it: ``evaluation``, ``submission``, ``challenge``,
            ``n`` and ``summary``.
        terms: What was agreed on, on each machine; without any, the stricter policy holds.
        runs: As published.
        log: Returns what a run printed and raised; asked only where it may be told.
    """
    policy = policy_of(terms)
    summary = evaluation["summary"]
    full = policy == "full"
    told: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "evaluation": evaluation["evaluation"],
        "submission": sanitize_line(evaluation["submission"], 100),
        "challenge": sanitize_line(evaluation["challenge"], 100),
        "n": evaluation["n"],
        "feedback": policy,
        "finished": summary is not None,
        "wall_seconds": sorted({one["wall_seconds"] for one in terms}),
        "verdicts": {
            str(verdict): count
            for verdict in Verdict
            if (count := sum(run.verdict is verdict for run in runs))
        },
        **_scores(summary or {}, full=full),
        "runs": [_run(run, log, full=full) for run in runs],
    }
    if summary is not None and summary.get("score_withheld"):
        told["no_score"] = SCORE_WITHHELD
    if full:
        warnings = (summary or {}).get("warnings", ())
        told["warnings"] = [sanitize_line(text) for text in warnings if OTHER_SUBMISSION not in text]
    return told


def policy_of(terms: Sequence[Mapping[str, Any]]) -> Feedback:
    """Return the policy that was agreed on: the strictest, and without any the strictest there is."""
    return "full" if terms and all(one["feedback"] == "full" for one in terms) else "verdict-only"


def _scores(summary: Mapping[str, Any], *, full: bool) -> dict[str, float | None]:
    names = _FIGURES if full else _FIGURES[:1]
    found = {name: summary.get(name) for name in names}
    return {name: None if value is None else round(value, _SCORE_DIGITS) for name, value in found.items()}


def _run(run: RunRecord, log: Callable[[int], str], *, full: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"run": run.index, "verdict": str(run.verdict)}
    if full:
        return {
            **told,
            "seconds": round(run.host_seconds, 2),
            "exception": sanitize_line(run.exception_type, 100),
            "detail": sanitize(run.detail),
            "log": sanitize(log(run.index)),
            "log_bytes_dropped": run.log_bytes_dropped,
        }
    return {**told, "seconds": round(run.host_seconds), "exception": exception_name(run.exception_type)}


def participant_text(told: Mapping[str, Any]) -> str:
    """Return a participant's view for reading; what a submission wrote is set off from what we say."""
    lines = [
        f"{told['submission']} on {told['challenge']}: {len(told['runs'])} of {told['n']} runs ended"
        + ("" if told["finished"] else "; not finished"),
        *(f"{name.replace('_', ' ')}: {_shown(told[name])}" for name in _FIGURES if name in told),
        *([told["no_score"]] if "no_score" in told else []),
        *(f"warning: {text}" for text in told.get("warnings", ())),
        "",
        f"{'run':>5}  {'verdict':<15} {'seconds':>8}  exception",
    ]
    lines += [
        f"{run['run']:>5}  {run['verdict']:<15} {run['seconds']:>8}  {run['exception']}".rstrip()
        for run in told["runs"]
    ]
    for run in told["runs"]:
        if run.get("detail") or run.get("log"):
            lines += ["", f"run {run['run']}, {run['verdict']}"]
            lines += [f"    | {line}" for line in f"{run['detail']}\n{run['log']}".splitlines() if line]
    return "\n".join(lines) + "\n"


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"
