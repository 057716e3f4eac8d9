"""The results of a final as cells of tables, and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from runner.leaderboard.final_model import Decision, FinalResults, FinalRow
from runner.leaderboard.lines import interval_text, ranks_text
from runner.pages.environment import render_page
from runner.pages.text import plain_name
from runner.reports.cells import figure
from runner.wording import quantity

_DIGITS: Final = 6
_ACTS: Final = {
    "final": "entries queued",
    "final publish": "results published",
    "final hide": "results hidden",
}
LEGEND: Final = (
    "Ranks are shared where noise does not tell entries apart: a new group begins at the first entry whose "
    "difference to the best of the group has a 95 % confidence interval above zero. Differences are paired: "
    "all entries are measured on the same halves of the references."
)


def rule_text(results: FinalResults) -> str:
    """Return by what a final is decided, in a sentence."""
    direction = "higher" if results.higher_is_better else "lower"
    over = "the mean" if results.combine == "mean" else "the mean of the ranks"
    weights = (
        "" if results.weights is None else f", weighted {', '.join(f'{each:g}' for each in results.weights)}"
    )
    number = len(results.challenges)
    combined = "" if number == 1 else f"; {over} over {quantity(number, 'challenge')}{weights}"
    return f"{results.metric}, {direction} is better{combined}"


def combined_text(row: FinalRow) -> str:
    """Return a combined result with its interval."""
    return interval_text(row.combined, row.combined_low, row.combined_high)


def behind_text(row: FinalRow) -> str:
    """Return how much worse than the first an entry is, with the interval of the difference."""
    return interval_text(row.behind, row.behind_low, row.behind_high)


def final_page(results: FinalResults) -> str:
    """Return the page of a final."""
    return render_page("final.html", view=final_view(results))


def final_view(results: FinalResults) -> dict[str, Any]:
    """Return what the page of a final shows, as text."""
    challenges = range(1, len(results.challenges) + 1)
    return {
        "heading": f"{plain_name(results.competition)}: {results.phase}",
        "rule": rule_text(results),
        "legend": LEGEND,
        "remarks": results.remarks,
        "columns": [
            ("team", False),
            ("rank", True),
            ("combined", True),
            ("behind the first", True),
            *((f"challenge {number}", True) for number in challenges),
        ],
        "rows": [
            [
                row.team,
                ranks_text(row.first_rank, row.last_rank),
                combined_text(row),
                behind_text(row),
                *(figure(value, _DIGITS) for value in row.values),
            ]
            for row in results.rows
        ],
        "facts": [
            *(
                (f"challenge {number}", f"{plain_name(each.name)}, SHA-256 {each.sha256 or 'not known'}")
                for number, each in zip(challenges, results.challenges, strict=True)
            ),
            *((_ACTS.get(each.act, each.act), _decided(each)) for each in results.decisions),
            ("version of this program", results.version),
            ("version of the store", results.store_revision),
        ],
        "proof_columns": [
            ("team", False),
            ("challenge", True),
            ("evaluation", False),
            ("runs", True),
            ("device", False),
            ("score card", True),
            ("scored by", False),
            ("image", False),
            ("manifest", False),
            ("outputs", False),
            ("seeds", False),
        ],
        "proofs": list(_proofs(results)),
    }


def _proofs(results: FinalResults) -> Iterator[list[str]]:
    for row in results.rows:
        for number, each in enumerate(row.evaluations, start=1):
            if each is None:
                continue
            yield [
                row.team,
                str(number),
                _text(each.evaluation),
                _text(each.runs),
                _text(each.device),
                _text(each.scorer),
                _text(each.program),
                _text(each.image),
                _text(each.manifest_sha256),
                _text(each.outputs_sha256),
                _text(each.seeds_sha256),
            ]


def _decided(decision: Decision) -> str:
    by = "" if decision.who is None else f"{plain_name(decision.who)}, "
    return by + _moment(decision.at)


def _text(value: object) -> str:
    return "not known" if value is None else str(value)


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
