"""The first lines of a report: how an evaluation ended, in a word and in a sentence."""

from __future__ import annotations

from typing import Final

from runner.reports.views.model import EvaluationView
from runner.reports.views.report_model import Measure
from runner.reports.views.terminal import loss_sentence
from runner.results.view import MIN_SCORED_RUNS
from runner.wording import quantity

STATUS_WORDS: Final = {
    "scored": "scored",
    "smoke-test": "smoke test",
    "judged": "judged",
    "failed": "failed",
    "held": "not judged",
    "refused": "refused",
    "unfinished": "not finished",
}
_RECOMMENDED_RUNS: Final = 64


def worth_sentence(view: EvaluationView, share: Measure | None = None) -> str:
    """Return in a sentence or two what a result is worth, or why there is none.

    Args:
        view: Of the evaluation.
        share: F over the ceiling with its interval, if that is known.
    """
    if view.status == "scored":
        return _of_score(view, share)
    well, ended = view.verdicts.get("ok", 0), sum(view.verdicts.values())
    runs = quantity(view.n, "run")
    sentences = {
        "smoke-test": (
            f"{well} of {runs} ended well: too few runs for a score. {MIN_SCORED_RUNS} or more give one; "
            f"{_RECOMMENDED_RUNS} are usual."
        ),
        "judged": "All runs ended well. This challenge came without references: the organizer scores them.",
        "unfinished": f"{ended} of {runs} ended; the evaluation goes on when it is started again.",
        "held": "This machine is to blame, not the submission: it is evaluated when it is started again.",
        "refused": "The files are no submission, so nothing was run.",
        "failed": "There is no score.",
    }
    if view.status == "failed" and well < ended:
        sentence = (
            f"There is no score: {ended - well} of {quantity(view.n, 'requested run')} failed, and none may."
        )
        return f"{sentence} {_not_started(view.n - ended)}".rstrip()
    return sentences[view.status]


def _not_started(runs: int) -> str:
    """Return a sentence on the requested runs that were not started; empty if all were."""
    if runs <= 0:
        return ""
    return f"{quantity(runs, 'run')} {'was' if runs == 1 else 'were'} not started."


def _of_score(view: EvaluationView, share: Measure | None) -> str:
    score = view.score
    if score is None:
        return ""
    problems = len(view.problems)
    caution = f" But first: {quantity(problems, 'problem')} to fix, below." if problems else ""
    if share is not None and share.low is not None and share.high is not None and share.high >= 1:
        sentence = "This metric cannot tell its forgetting apart from retraining without the forget set."
        return sentence + caution
    loss = loss_sentence(score)
    return f"{loss[:1].upper()}{loss[1:]}.{caution}" if loss else caution.strip()
