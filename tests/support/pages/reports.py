"""Reports of evaluations for tests of what is shown: scored, failed, with texts that a stranger chose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np

from runner.reports.views.make import make_view, refused_view
from runner.reports.views.report_make import make_report
from runner.reports.views.report_model import LimitsPart, Provenance, ReportView
from runner.store.records import AttemptRecord, RunRecord
from runner.verdict import Verdict
from scoring.card.card import ScoreCard
from scoring.card.make import score_card
from scoring.outputs import Outputs
from tests.support.records import run_record, stored_evaluation, summary_of

TEXT = "plain"
"""What stands where a stranger writes."""
TRACEBACK = 'Traceback (most recent call last):\n  File "submission.py", line 3, in unlearning\n    {}\nValueError: {}\n'


_LOGGED = 131_072
"""Characters of a log, which is cut while it is written."""


def outputs(seed: int, models: int = 20, examples: int = 13, shift: float = 0.0) -> Outputs:
    """Return models with three classes, whose margins are ``shift`` too high."""
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % 3
    logits = rng.normal(size=(models, examples, 3)).astype(np.float32)
    logits[:, np.arange(examples), labels] += shift
    return Outputs(
        logits=logits,
        labels=labels,
        correct=np.full((models, 4, 3), 9),
        class_counts=np.full((4, 3), 10),
        unseen_losses=rng.exponential(size=(models, 10)),
        seconds=np.full(models, 2.0),
    )


@lru_cache(maxsize=2)
def populations(models: int = 20) -> tuple[Outputs, Outputs, ScoreCard]:
    """Return outputs of a submission and of references, and the card."""
    unlearned, references = outputs(1, models, shift=0.5), outputs(2, models)
    return unlearned, references, score_card(unlearned, references)


def runs(count: int, text: str = TEXT, *, failed: Sequence[int] = ()) -> list[RunRecord]:
    """Return runs, some of which crashed with an exception whose class a stranger named."""
    return [
        run_record(
            index=index,
            seed=10**18 + index,
            verdict=Verdict.CRASHED if index in failed else Verdict.OK,
            detail=f"ValueError: {text} (submission.py, line 3)" if index in failed else "",
            exception_type=text if index in failed else "",
            run_seconds=1 + index / 100,
            peak_memory_bytes=(100 + index) << 20,
        )
        for index in range(count)
    ]


def scored_report(text: str = TEXT, **changes: Any) -> ReportView:
    """Return the report of an evaluation with a score."""
    unlearned, references, card = populations()
    published = card.published
    assert card.share_of_ceiling is not None
    assert card.uncertainty is not None
    summary = summary_of(
        n=20,
        verdicts={"ok": 20},
        score=published.score,
        score_low=card.uncertainty.score.low,
        score_high=card.uncertainty.score.high,
        forgetting_quality=published.forgetting_quality,
        retain_ratio=published.retain_ratio,
        test_ratio=published.test_ratio,
        share_of_ceiling=card.share_of_ceiling.estimate,
        flags=[flag.kind for flag in card.flags],
        flag_sentences=[flag.sentence for flag in card.flags],
        warnings=[f"{text} of 2 runs"],
    )
    view = make_view(
        evaluation=stored_evaluation(n=20, submission=text, challenge=text, summary=summary.to_json()),
        runs=runs(20),
        terms=[{"wall_seconds": 60.0, "feedback": "full"}],
        log=lambda _index: "",
        path=text,
    )
    values: dict[str, Any] = {
        "runs": runs(20),
        "card": card,
        "outputs": lambda: (unlearned, references),
        "limits": LimitsPart(seconds=2.0, memory_bytes=200 << 20),
        "provenance": Provenance(
            facts=(("evaluation", "0123456789ab"), ("begun", "2026-01-01 00:00:00 UTC")),
            command=f"unlearn run {text}",
            check="unlearn verify 0123456789ab",
        ),
    }
    return make_report(view, **(values | changes))


def failed_report(text: str = TEXT) -> ReportView:
    """Return the report of an evaluation whose second run crashed; its container was lost once."""
    summary = summary_of(n=8, verdicts={"ok": 1, "crashed": 1}, reason=f"run 1 ended as crashed ({text})")
    logged = text[:_LOGGED]
    ended = runs(2, logged, failed=[1])
    view = make_view(
        evaluation=stored_evaluation(submission=text, challenge=text, summary=summary.to_json()),
        runs=ended,
        terms=[{"wall_seconds": 60.0, "feedback": "full"}],
        log=lambda _index: TRACEBACK.format(logged, logged),
        path=text,
    )
    now = datetime(2026, 1, 1, tzinfo=UTC)
    attempts = [AttemptRecord(number=1, begun=now, ended=now, outcome=text)]
    return make_report(view, runs=ended, attempts=attempts)


def report_of_status(status: str, text: str = TEXT) -> ReportView:
    """Return a report of each status that an evaluation can have."""
    if status == "scored":
        return scored_report(text)
    if status == "failed":
        return failed_report(text)
    if status in ("refused", "held"):
        held = status == "held"
        return make_report(
            refused_view(name=text, path=text, challenge=text, n=8, reason=text, held=held, evaluation=None)
        )
    changes: dict[str, Any] = {
        "unfinished": {},
        "smoke-test": {"summary": summary_of(score=0.0).to_json()},
        "judged": {"summary": summary_of(score_withheld=True).to_json()},
    }[status]
    ended = runs(3 if status == "unfinished" else 8)
    view = make_view(
        evaluation=stored_evaluation(submission=text, challenge=text, **changes),
        runs=ended,
        terms=[{"wall_seconds": 60.0, "feedback": "full"}],
        log=lambda _index: "",
        path=text,
    )
    return make_report(view, runs=ended)


STATUSES = ("scored", "smoke-test", "judged", "failed", "held", "refused", "unfinished")
