"""A made-up evaluation, always the same: simulated networks and runs, a score card computed from them.

Pictures of reports show it, and tests open it in a browser: no container is needed, and equal code gives
equal pages. It forgets well, not perfectly, and what it shows of a machine is invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from runner.reports.views.model import EvaluationView, MemoryView, NoticeView, ScoreView, TimeView
from runner.reports.views.report_make import make_report
from runner.reports.views.report_model import LimitsPart, Provenance, ReportView
from runner.store.records import AttemptRecord, RunRecord
from runner.units import MIB
from runner.verdict import Verdict
from scoring import ScoreCard, score_card
from scoring.outputs import Outputs

RUNS: Final = 64
EXAMPLES: Final = 48
CLASSES: Final = 10
WALL_SECONDS: Final = 60.0
MEMORY_MIB: Final = 2048
_NAME: Final = "a3c91f04d7e2"


def made_up_report(runs: int = RUNS, examples: int = EXAMPLES) -> ReportView:
    """Return the report of the made-up evaluation, as its organizer sees it.

    Args:
        runs: How many, and how many references.
        examples: To be forgotten.
    """
    unlearned = outputs(1, runs, examples, shift=0.5, accuracy=0.975, seconds=1.8)
    references = outputs(2, runs, examples, shift=0.0, accuracy=0.985, seconds=21.0)
    card, records = score_card(unlearned, references), run_records(runs)
    return make_report(
        view_of(card, records),
        runs=records,
        attempts=[
            AttemptRecord(
                number=1,
                begun=datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC),
                ended=datetime(2026, 3, 14, 9, 28, 30, tzinfo=UTC),
                outcome="done",
            )
        ],
        card=card,
        outputs=lambda: (unlearned, references),
        limits=LimitsPart(seconds=WALL_SECONDS, memory_bytes=MEMORY_MIB * MIB),
        provenance=Provenance(
            facts=[
                ("evaluation", _NAME),
                ("submission, SHA-256", "5d" * 32),
                ("challenge, SHA-256", "c4" * 32),
                ("runs", str(runs)),
                ("begun", "2026-03-14 09:26:53 UTC"),
                ("executed with", "device cpu, isolation process, runtime runc"),
            ],
            command=f"unlearn run submissions/gradient_ascent -c challenges/digits -n {runs}",
            check=f"unlearn verify {_NAME}",
        ),
    )


def outputs(
    seed: int, models: int, examples: int, *, shift: float, accuracy: float, seconds: float
) -> Outputs:
    """Return outputs of simulated networks, which vary as a whole and on each example.

    Args:
        seed: Of the networks; the examples are always the same.
        models: How many networks.
        examples: To be forgotten.
        shift: Mean shift of the confidence, in standard deviations of the noise; some examples have far more.
        accuracy: Expected on each split.
        seconds: Mean time of a run.
    """
    of_examples = np.random.default_rng(0)
    confidence = of_examples.normal(3.0, 1.5, examples)
    shifts = shift * of_examples.gamma(0.6, 1 / 0.6, examples)
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % CLASSES
    logits = rng.normal(0.0, 0.6, (models, examples, CLASSES))
    whole = rng.normal(0.0, 0.2, (models, 1))
    logits[:, np.arange(examples), labels] += confidence + whole + 0.6 * shifts
    counts = np.tile(np.array([[100], [examples // CLASSES + 1], [27], [27]]), (1, CLASSES))
    return Outputs(
        logits=logits.astype(np.float32),
        labels=labels,
        correct=rng.binomial(counts, accuracy, (models, *counts.shape)),
        class_counts=counts,
        unseen_losses=rng.exponential(0.1, (models, 100)),
        seconds=seconds * rng.gamma(60.0, 1 / 60.0, models),
    )


def run_records(runs: int = RUNS, *, failed: Sequence[int] = ()) -> list[RunRecord]:
    """Return the records of runs; those that failed raised an exception."""
    rng = np.random.default_rng(3)
    return [
        RunRecord(
            index=index,
            seed=1000 + index,
            attempt=1,
            verdict=Verdict.CRASHED if index in failed else Verdict.OK,
            detail="",
            host_seconds=seconds + 0.1,
            run_seconds=seconds,
            peak_memory_bytes=int(memory * MIB),
            checkpoint_sha256="",
            log_bytes_dropped=0,
            exception_type="ValueError" if index in failed else "",
            evaluated=index not in failed,
        )
        for index, (seconds, memory) in enumerate(
            zip(rng.gamma(60.0, 0.03, runs).tolist(), rng.normal(310.0, 12.0, runs).tolist(), strict=True)
        )
    ]


def view_of(card: ScoreCard, runs: Sequence[RunRecord]) -> EvaluationView:
    """Return the view of the evaluation with this card."""
    published, errors = card.published, card.uncertainty
    return EvaluationView(
        evaluation=_NAME,
        submission="gradient_ascent",
        path="submissions/gradient_ascent",
        challenge="digits",
        n=len(runs),
        status="scored",
        verdicts={"ok": len(runs)},
        score=ScoreView(
            value=published.score,
            low=errors.score.low if errors else None,
            high=errors.score.high if errors else None,
            forgetting_quality=published.forgetting_quality,
            share_of_ceiling=card.share_of_ceiling.estimate if card.share_of_ceiling else None,
            retain_ratio=published.retain_ratio,
            test_ratio=published.test_ratio,
        ),
        time=TimeView(
            run_seconds=float(np.median([run.run_seconds for run in runs])),
            limit_seconds=WALL_SECONDS,
            projected_runs=len(runs),
            projected_seconds=97.0,
        ),
        memory=MemoryView(
            peak_bytes=max(run.peak_memory_bytes or 0 for run in runs), limit_bytes=MEMORY_MIB * MIB
        ),
        notices=[NoticeView(kind=flag.kind, level="note", sentence=flag.sentence) for flag in card.flags],
    )
