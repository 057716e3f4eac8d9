"""Put candidates into tables and sections: ranks for complete, valid, finite scores, reasons for the rest."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from runner.leaderboard.candidates import Candidate, Conditions, Status
from runner.leaderboard.model import Board, ConditionsView, FlagView, Kind, RowView, SectionView, TableView
from runner.leaderboard.names import look_alikes
from runner.leaderboard.ranking import Ranks, is_told_apart, rank_groups
from runner.pages.text import plain_line, plain_name

SECTIONS: Final[tuple[Kind, ...]] = (
    "failed",
    "held",
    "invalid",
    "refused",
    "withdrawn",
    "disqualified",
    "smoke-test",
    "judged",
    "unfinished",
    "baseline",
)
"""Sections in the order in which they stand; baselines are those that no table has."""
NOT_COMPARED: Final = "The noise of these scores is not known, so no rank is told apart from another."
_REASON_CHARACTERS: Final = 300


def make_board(candidates: Iterable[Candidate], *, challenge: str, seed: int | None = None) -> Board:
    """Return the leaderboard for an organizer: everything that is known of the candidates.

    What has no rank changes nobody's rank.

    Args:
        candidates: In any order.
        challenge: Name of the challenge.
        seed: Of the halves that the candidates' scores were computed on.
    """
    ranked: dict[Conditions, list[Candidate]] = {}
    baselines: dict[Conditions, list[Candidate]] = {}
    rest: dict[Kind, list[tuple[Candidate, str]]] = {}
    by_received = sorted(candidates, key=lambda item: (item.received, item.entry or 0, item.id))
    for item in by_received:
        status, reason = validity(item)
        if status != "scored" or item.conditions is None:
            rest.setdefault(status, []).append((item, reason))
        elif item.is_baseline:
            baselines.setdefault(item.conditions, []).append(item)
        else:
            ranked.setdefault(item.conditions, []).append(item)
    for conditions in baselines.keys() - ranked.keys():
        why = "nobody has a rank under its conditions"
        rest.setdefault("baseline", []).extend((item, why) for item in baselines[conditions])
    alike = _look_alikes(by_received)
    same = _same_content(by_received)

    def row(item: Candidate, ranks: Ranks | None, *, status: Status = "scored", reason: str = "") -> RowView:
        return _row(item, ranks, status=status, reason=reason, alike=alike[item.id], same=same[item.id])

    tables = [
        _table(conditions, items, baselines.get(conditions, []), row)
        for conditions, items in sorted(ranked.items(), key=lambda group: (-len(group[1]), group[0]))
    ]
    sections = [
        SectionView(
            kind=kind,
            rows=[
                row(item, None, status="scored" if kind == "baseline" else kind, reason=reason)
                for item, reason in sorted(rest[kind], key=lambda pair: pair[0].received)
            ],
        )
        for kind in SECTIONS
        if kind in rest
    ]
    return Board(
        challenge=plain_name(challenge), audience="organizer", seed=seed, tables=tables, sections=sections
    )


def validity(item: Candidate) -> tuple[Status, str]:
    """Return the status of a candidate, and why it has no rank."""
    if item.status != "scored":
        return item.status, item.reason
    score, successful = item.figures.score, (item.verdicts or {}).get("ok", 0)
    if score is None or not math.isfinite(score):
        return "invalid", item.reason or f"its score is no finite number ({score})"
    if successful != item.n:
        return "invalid", f"{successful} of {item.n} runs ended well"
    if item.conditions is None:
        return "invalid", item.reason or "the conditions of its runs are not recorded"
    if item.halves is not None and not math.isclose(item.halves.value, score, rel_tol=1e-9, abs_tol=1e-12):
        return "invalid", f"its outputs give the score {item.halves.value!r}, and {score!r} is recorded"
    return "scored", ""


class _MakeRow(Protocol):
    """The type of the function that `make_board` passes on."""

    def __call__(
        self, item: Candidate, ranks: Ranks | None, *, status: Status = "scored", reason: str = ""
    ) -> RowView: ...


def _table(
    conditions: Conditions, items: Sequence[Candidate], baselines: Sequence[Candidate], row: _MakeRow
) -> TableView:
    """Return a table; a baseline gets the ranks that it would have if it alone joined the others."""
    ordered = sorted(items, key=_by_score)
    groups = rank_groups(ordered, _is_better)
    lines = []
    for baseline in sorted(baselines, key=_by_score):
        joined = sorted([*ordered, baseline], key=_by_score)
        at = next(place for place, item in enumerate(joined) if item is baseline)
        lines.append(row(baseline, rank_groups(joined, _is_better)[at]))
    remarks = []
    if len(ordered) > 1 and any(item.halves is None for item in ordered):
        remarks.append(next((item.reason for item in ordered if item.reason), "") or NOT_COMPARED)
    return TableView(
        conditions=_conditions(conditions),
        rows=[row(item, ranks) for item, ranks in zip(ordered, groups, strict=True)],
        baselines=lines,
        remarks=[plain_line(remark, _REASON_CHARACTERS) for remark in remarks],
    )


def _by_score(item: Candidate) -> tuple[float, float, int, str]:
    """Return the key of the order: score, then time received, then number of the entry."""
    assert item.figures.score is not None, "only valid scores are sorted"
    return (-item.figures.score, item.received.timestamp(), item.entry or 0, item.id)


def _is_better(better: Candidate, worse: Candidate) -> bool:
    return is_told_apart(better.halves, worse.halves)


def _row(
    item: Candidate,
    ranks: Ranks | None,
    *,
    status: Status,
    reason: str,
    alike: Sequence[str],
    same: Sequence[str],
) -> RowView:
    figures = item.figures
    has_score = status == "scored"
    return RowView(
        id=item.id,
        team=plain_name(item.team) if item.team is not None else None,
        submission=plain_name(item.submission),
        entry=item.entry,
        evaluation=item.evaluation,
        received=item.received,
        status=status,
        is_baseline=item.is_baseline,
        first_rank=ranks.first if ranks is not None else None,
        last_rank=ranks.last if ranks is not None else None,
        reason=plain_line(reason, _REASON_CHARACTERS),
        score=figures.score if has_score else None,
        score_low=_finite(figures.score_low) if has_score else None,
        score_high=_finite(figures.score_high) if has_score else None,
        share_of_ceiling=_finite(figures.share_of_ceiling) if has_score else None,
        retain_ratio=_finite(figures.retain_ratio) if has_score else None,
        test_ratio=_finite(figures.test_ratio) if has_score else None,
        time_share=_finite(figures.time_share),
        n=item.n,
        runs_ok=item.verdicts.get("ok", 0) if item.verdicts is not None else None,
        verdicts=dict(sorted((item.verdicts or {}).items())),
        flags=[FlagView(level=level, kind=plain_line(kind, 60)) for level, kind in item.flags],
        looks_like=list(alike),
        same_content_as=list(same),
        verified_at=item.verified_at,
        reruns=item.reruns,
        feedback=item.feedback,
    )


def _finite(value: float | None) -> float | None:
    """Return a figure; JSON has no infinity, and a spreadsheet neither."""
    return value if value is not None and math.isfinite(value) else None


def _conditions(conditions: Conditions) -> ConditionsView:
    return ConditionsView(
        challenge_sha256=conditions.challenge_sha256,
        n=conditions.n,
        image=conditions.image,
        limits=dict(conditions.limits),
        isolation=conditions.isolation,
        runtime=conditions.runtime,
        device=conditions.device,
        scorer=conditions.scorer or None,
    )


def _look_alikes(items: Sequence[Candidate]) -> dict[str, list[str]]:
    """Return the names that each candidate's looks like, by its `id`: names of teams, if it has one.

    Submissions of one team may be called alike.
    """
    alike = look_alikes(item.team if item.team is not None else item.submission for item in items)
    return {
        item.id: [plain_name(other) for other in alike.get(item.team or item.submission, ())]
        for item in items
    }


def _same_content(items: Sequence[Candidate]) -> dict[str, list[str]]:
    """Return the other candidates that share an evaluation with each, by its `id`."""
    groups: dict[str, list[str]] = {}
    for item in items:
        if item.evaluation is not None:
            groups.setdefault(item.evaluation, []).append(item.id)
    shared: Mapping[str, list[str]] = {name: group for name, group in groups.items() if len(group) > 1}
    return {
        item.id: [other for other in shared.get(item.evaluation or "", ()) if other != item.id]
        for item in items
    }
