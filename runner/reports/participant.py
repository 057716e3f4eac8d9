"""A participant's view of an evaluation: what its challenge's feedback policy allows, and no more.

Under ``full`` that is everything about their own submission. Under ``verdict-only`` it is, for each run, a
verdict, whole seconds and a well-known exception name, and then the score. A submission has seen hidden
images and could encode them in anything that it chooses: output, details, tracebacks, paths, names, exact
times. None of these is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from runner.challenge.description import Feedback
from runner.reports.advice import advice
from runner.reports.cells import figure
from runner.reports.notices import notice_of_warning
from runner.reports.views.model import EvaluationView, FailureView, ScoreView
from runner.reports.views.report_model import Provenance, ReportView, RunPart
from runner.results.scoring import SCORE_WITHHELD
from runner.results.summary import FIGURES, Summary
from runner.results.view import MIN_SCORED_RUNS, OTHER_SUBMISSION
from runner.sanitize import exception_name, sanitize, sanitize_line
from runner.store.records import RunRecord
from runner.store.stored_evaluation import StoredEvaluation
from runner.verdict import Verdict
from scoring.card.levels import NOT_UNLEARNING

SCHEMA_VERSION: Final = 1
_SCORE_DIGITS: Final = 6
_SHOWN_FACTS: Final = frozenset(
    {"evaluation", "submission, SHA-256", "challenge, SHA-256", "image inputs", "runs"}
)
"""Of a report's provenance; times and hosts are the organizer's."""


def participant_report(
    *,
    evaluation: StoredEvaluation,
    terms: Sequence[Mapping[str, Any]],
    runs: Sequence[RunRecord],
    log: Callable[[int], str],
) -> dict[str, Any]:
    """Return a participant's view of an evaluation, as plain values for JSON.

    Args:
        evaluation: As stored.
        terms: The terms on each machine; without any, the stricter policy holds.
        runs: As published.
        log: Returns what a run printed and raised; called only where it may be shown.
    """
    policy = policy_of(terms)
    summary = Summary.from_json(evaluation.summary) if evaluation.summary is not None else None
    full = policy == "full"
    view: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "evaluation": evaluation.id,
        "submission": sanitize_line(evaluation.submission, 100),
        "challenge": sanitize_line(evaluation.challenge, 100),
        "n": evaluation.n,
        "feedback": policy,
        "finished": summary is not None,
        "wall_seconds": sorted({item["wall_seconds"] for item in terms}),
        "verdicts": {
            str(verdict): count
            for verdict in Verdict
            if (count := sum(run.verdict is verdict for run in runs))
        },
        **_scores(summary, full=full),
        "runs": [_run(run, log, full=full) for run in runs],
    }
    if summary is not None and summary.score_withheld:
        view["no_score"] = SCORE_WITHHELD
    if full:
        warnings = [
            notice_of_warning(text)
            for text in (summary.warnings if summary is not None else [])
            if OTHER_SUBMISSION not in text
        ]
        view["warnings"] = [sanitize_line(warning.sentence) for warning in warnings]
        view["warning_advice"] = [warning.advice for warning in warnings]
    return view


def filtered_view(view: EvaluationView, policy: Feedback) -> EvaluationView:
    """Return a view of an evaluation as its participant may see it.

    Under ``verdict-only`` a failure is a verdict and a well-known exception name, times are whole seconds,
    and there are no notices, because each of them depends on what the submission computed.
    """
    own = [
        notice
        for notice in view.notices
        if OTHER_SUBMISSION not in notice.sentence and notice.kind != NOT_UNLEARNING
    ]
    if policy == "full" or view.status == "refused":  # files that never ran have seen nothing
        return view.model_copy(update={"feedback": policy, "notices": own})
    changes: dict[str, Any] = {"feedback": policy, "notices": [], "reason": None}
    if view.failure is not None:
        name = exception_name(view.failure.exception)
        changes["failure"] = FailureView(
            run=view.failure.run, verdict=view.failure.verdict, message=name, exception=name
        )
    if view.score is not None:
        changes["score"] = ScoreView(value=round(view.score.value, _SCORE_DIGITS))
    if view.time is not None:
        whole = {
            "run_seconds": round(view.time.run_seconds),
            "processor_seconds": None,
            "projected_seconds": None,
            "projected_runs": None,
        }
        changes["time"] = view.time.model_copy(update=whole)
    changes.update(memory=None, baseline=None)
    return view.model_copy(update=changes)


def filtered_report(report: ReportView, policy: Feedback) -> ReportView:
    """Return a report as its participant may see it: `filtered_view`, and an allow-list of all else.

    Under any policy it lacks the densities of single forget examples: whoever knows how confident references
    are on each can imitate them. It lacks seeds, and the organizer's paths, too.
    """
    full = policy == "full"
    return ReportView(
        view=filtered_view(report.view, policy),
        card=report.card if full else None,
        epsilon=report.epsilon if full else (),
        examples=(),
        runs=[_run_part(run, full=full) for run in report.runs],
        lost=report.lost,
        limits=replace(report.limits, memory_bytes=report.limits.memory_bytes if full else None),
        provenance=Provenance(
            facts=[fact for fact in report.provenance.facts if fact[0] in _SHOWN_FACTS] if full else (),
            command=None,
            check=None,
        ),
        omitted={},
    )


def _run_part(run: RunPart, *, full: bool) -> RunPart:
    if full:
        return replace(run, seed=None)
    name = exception_name(run.exception)
    return replace(
        run,
        seed=None,
        peak_bytes=None,
        processor_seconds=None,
        seconds=float(round(run.seconds)),
        exception=name,
    )


def filtered_seconds(seconds: float, policy: Feedback) -> float:
    """Return how long something of a submission's took as its participant may see it."""
    return seconds if policy == "full" else float(round(seconds))


def policy_of(terms: Sequence[Mapping[str, Any]]) -> Feedback:
    """Return the strictest policy of the terms; ``verdict-only`` without any."""
    return "full" if terms and all(item["feedback"] == "full" for item in terms) else "verdict-only"


def _scores(summary: Summary | None, *, full: bool) -> dict[str, float | None]:
    values = {name: getattr(summary, name, None) for name in (FIGURES if full else FIGURES[:1])}
    return {name: None if value is None else round(value, _SCORE_DIGITS) for name, value in values.items()}


def _run(run: RunRecord, log: Callable[[int], str], *, full: bool) -> dict[str, Any]:
    view: dict[str, Any] = {"run": run.index, "verdict": str(run.verdict)}
    if full:
        return {
            **view,
            "seconds": round(run.host_seconds, 2),
            "exception": sanitize_line(run.exception_type, 100),
            "detail": sanitize(run.detail),
            "advice": advice(run.detail),
            "log": sanitize(log(run.index)),
            "log_bytes_dropped": run.log_bytes_dropped,
        }
    return {**view, "seconds": round(run.host_seconds), "exception": exception_name(run.exception_type)}


def participant_text(view: Mapping[str, Any]) -> str:
    """Return a participant's view as text; what the submission wrote is marked by ``|``."""
    figures = [f"{name.replace('_', ' ')}: {_shown(view[name])}" for name in FIGURES if name in view]
    if view["score"] is not None and view["n"] < MIN_SCORED_RUNS:
        figures = [f"smoke test: fewer than {MIN_SCORED_RUNS} runs, too few for a score"]
    lines = [
        f"{view['submission']} on {view['challenge']}: {len(view['runs'])} of {view['n']} runs ended"
        + ("" if view["finished"] else "; not finished"),
        *figures,
        *([view["no_score"]] if "no_score" in view else []),
        *_warning_lines(view),
        "",
        f"{'run':>5}  {'verdict':<16} {'seconds':>8}  exception",
    ]
    lines += [
        f"{run['run']:>5}  {run['verdict']:<16} {run['seconds']:>8}  {run['exception']}".rstrip()
        for run in view["runs"]
    ]
    for run in view["runs"]:
        if run.get("detail") or run.get("log"):
            lines += ["", f"run {run['run']}, {run['verdict']}"]
            lines += [f"what to do: {run['advice']}"] if run["advice"] else []
            lines += [f"    | {line}" for line in f"{run['detail']}\n{run['log']}".splitlines() if line]
    return "\n".join(lines) + "\n"


def _warning_lines(view: Mapping[str, Any]) -> Iterator[str]:
    for text, remedy in zip(view.get("warnings", ()), view.get("warning_advice", ()), strict=True):
        yield f"warning: {text}"
        if remedy:
            yield f"what to do: {remedy}"


def _shown(value: float | None) -> str:
    return figure(value, 4)
