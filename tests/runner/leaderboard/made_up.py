"""Candidates of leaderboards that were never evaluated: with scores, halves and names as a test needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from runner.leaderboard.candidates import Candidate, Conditions, Figures
from runner.leaderboard.final_model import (
    Decision,
    FinalChallenge,
    FinalEvaluation,
    FinalResults,
    FinalRow,
)
from scoring.statistics.halves import HalvedScore

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
CONDITIONS: Final = Conditions(
    challenge_sha256="c" * 64,
    n=64,
    image="sha256:" + "1" * 64,
    limits=(("cpus", 2.0), ("memory_bytes", float(2 << 30)), ("wall_seconds", 60.0)),
    isolation="process",
    runtime="runc",
    device="cpu",
    scorer=1,
)
HOSTILE_NAMES: Final = (
    *("=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "'=1"),
    *('"quoted"', "a,b", "a\r\nb", "a\nb", "</bdi><script>alert(1)</script>", "<img src=x onerror=alert(1)>"),
    *("{{ 7 * 7 }}", "{% raw %}", "[bold red]x[/]", "\x1b[31mred\x1b[0m", "\x00", "\u202egnp.exe", "\u2066x"),
    *(
        "z\u0300" * 200,
        "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 80,
        "\U0001d54f" * 500,
        "ﷺ" * 64,
        "\ud800",
        "",
    ),
    *(
        " ",
        "\u200b",
        "../../etc/passwd",
        "index.html",
        "CON",
        "x" * 5000,
        "العربية",
        "a&b;&amp;",
        "x;=1+1",
        "javascript:0",
    ),
)
"""Names that have broken renderers: formulas, markup, escapes, marks, directions, paths, sizes."""


def halves(score: float, *, noise: float = 0.01, seed: int = 0) -> HalvedScore:
    """Return a score on 16 random halvings, with so much noise."""
    rng = np.random.default_rng(seed)
    return HalvedScore(value=score, halves=score + rng.normal(0, noise, size=(16, 2)))


def candidate(
    at: int,
    score: float | None = 0.1,
    *,
    noise: float = 0.01,
    conditions: Conditions | None = CONDITIONS,
    **changes: Any,
) -> Candidate:
    """Return candidate number ``at``, with all runs successful; ``changes`` replace fields."""
    n = conditions.n if conditions is not None else CONDITIONS.n
    figures = Figures(
        score=score,
        score_low=None if score is None else score - noise,
        score_high=None if score is None else score + noise,
        share_of_ceiling=0.61,
        retain_ratio=0.99,
        test_ratio=0.98,
        time_share=0.25,
    )
    known = Candidate(
        id=f"entry-{at}",
        entry=at,
        evaluation=f"{at:012x}",
        submission=f"mine{at}",
        received=NOON + timedelta(minutes=at),
        n=n,
        status="scored",
        conditions=conditions,
        figures=figures,
        halves=None if score is None or not np.isfinite(score) else halves(score, noise=noise, seed=at),
        verdicts={"ok": n},
        feedback="full",
    )
    return replace(known, **changes)


def crowd(number: int, *, seed: int = 0) -> list[Candidate]:
    """Return as many candidates of teams, with all that a row can have."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(2, 12, size=number)
    return [
        candidate(
            at,
            float(score),
            noise=0.004,
            team=f"Team {at:04d} of the university",
            submission=f"submission_{at % 7}",
            flags=(("problem", "too-slow"), ("note", "joint-attack"), ("note", "certified")),
            verified_at=NOON,
            reruns=2,
        )
        for at, score in enumerate(scores)
    ]


def made_up_final(teams: Sequence[str], *, challenges: int = 2, who: str = "me") -> FinalResults:
    """Return the results of a final that nobody has played, the best team first."""
    return FinalResults(
        competition="Forgetting",
        phase="final",
        metric="tug_of_war",
        higher_is_better=True,
        combine="mean",
        weights=[1.0] * challenges,
        challenges=[FinalChallenge(name=who, sha256="c" * 64) for _ in range(challenges)],
        rows=[
            FinalRow(
                team=team,
                entry=at + 1,
                rank=at + 1,
                first_rank=1 if at < 2 else at + 1,
                last_rank=2 if at < 2 else at + 1,
                combined=0.9 - at / 10,
                combined_low=0.8 - at / 10,
                combined_high=1.0 - at / 10,
                behind=at / 10 if at else None,
                behind_low=at / 20 if at else None,
                behind_high=at / 5 if at else None,
                values=[0.9 - at / 10] * challenges,
                evaluations=[
                    FinalEvaluation(
                        evaluation="0123456789ab",
                        submission_sha256="e" * 64,
                        manifest_sha256="a" * 64,
                        image="sha256:" + "b" * 64,
                        scorer=2,
                        program="0.1",
                        runs=64,
                        seeds_sha256="d" * 64,
                        outputs_sha256="f" * 64,
                        device="cpu",
                    ),
                    *[None] * (challenges - 1),
                ],
            )
            for at, team in enumerate(teams)
        ],
        remarks=["The noise of some results is not known."],
        decisions=[Decision(act="final", who=who, at=NOON), Decision(act="final publish", who=who, at=NOON)],
        store_revision="0013",
        version="0.1",
    )
