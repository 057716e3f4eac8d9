"""A made-up leaderboard, always the same: teams and scores are invented, ranks are computed from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from runner.leaderboard.audience import visible_board
from runner.leaderboard.board import make_board
from runner.leaderboard.candidates import Candidate, Conditions, Figures
from runner.leaderboard.model import Board
from scoring.statistics.halves import HalvedScore

_RUNS: Final = 512
_CEILING: Final = 0.187
_FIRST: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_CONDITIONS: Final = Conditions(
    challenge_sha256="c41f0a7be92d" + "0" * 52,
    n=_RUNS,
    image="sha256:9b2e61d07f3a" + "0" * 52,
    limits=(("cpus", 2.0), ("memory_bytes", float(4 << 30)), ("wall_seconds", 120.0)),
    isolation="container",
    runtime="runsc",
    device="cpu",
    scorer=1,
)
_SCORED: Final = (
    ("Lethe", "prune_and_heal", 0.1184, 0.41),
    ("Forget-me-not", "noisy_layers_3", 0.1169, 0.22),
    ("Amnesiacs", "scrub_v7", 0.1141, 0.65),
    ("Team 14", "distil", 0.1012, 0.38),
    ("Kassandra", "two_stage", 0.0994, 0.19),
    ("Blank Slate", "reinit_head", 0.0731, 0.12),
    ("Mnemosyne", "fisher", 0.0424, 0.73),
)
"""Team, submission, score, time as a share of the limit."""


def made_up_board() -> Board:
    """Return the made-up leaderboard, as the public sees it."""
    ranked = [
        _candidate(at, team, submission, score, time)
        for at, (team, submission, score, time) in enumerate(_SCORED)
    ]
    baseline = _candidate(20, None, "finetune", 0.0312, 0.3, is_baseline=True)
    failed = Candidate(
        id="entry-21",
        submission="influence",
        team="Occam",
        received=_FIRST + timedelta(hours=21),
        n=_RUNS,
        status="failed",
        verdicts={"ok": 11, "time-limit": 1},
        conditions=_CONDITIONS,
        feedback="full",
    )
    board = make_board([*ranked, baseline, failed], challenge="faces")
    return visible_board(board, "public")


def _candidate(
    at: int, team: str | None, submission: str, score: float, time: float, *, is_baseline: bool = False
) -> Candidate:
    rng = np.random.default_rng(at)
    noise = 0.005
    return Candidate(
        id=f"entry-{at}",
        team=team,
        submission=submission,
        received=_FIRST + timedelta(hours=at),
        n=_RUNS,
        status="scored",
        conditions=_CONDITIONS,
        figures=Figures(
            score=score,
            score_low=score - 1.5 * noise,
            score_high=score + 1.5 * noise,
            share_of_ceiling=score / 0.985 / _CEILING,
            retain_ratio=float(rng.uniform(0.99, 1.0)),
            test_ratio=float(rng.uniform(0.98, 0.995)),
            time_share=time,
        ),
        halves=HalvedScore(value=score, halves=score + rng.normal(0.0, noise, (16, 2))),
        verdicts={"ok": _RUNS},
        is_baseline=is_baseline,
        verified_at=_FIRST + timedelta(days=2),
        reruns=4,
        feedback="full",
    )
