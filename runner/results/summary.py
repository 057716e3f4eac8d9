"""What came of an evaluation, as the object that `--json` prints and the store keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from runner.challenge.challenge import Challenge
from runner.challenge.layout import ORIGINAL_FILE
from runner.parsers.checkpoint import content_sha256
from runner.results.scoring import SCORE_WITHHELD, compute_card
from runner.sanitize import sanitize_line
from runner.store.records import CopiedCheckpoints, RunRecord
from runner.verdict import Verdict

if TYPE_CHECKING:
    pass

OTHER_SUBMISSION: Final = "another submission:"
"""What a warning says that is the organizer's to know: participants are not told of each other."""

_FIGURES: Final = ("score", "forgetting_quality", "retain_ratio", "test_ratio", "epsilon_mean")
_CLIPPED: Final = ("retain_ratio_clipped", "test_ratio_clipped", "score_clipped")


def summarise(
    *,
    evaluation: str,
    submission: str,
    challenge: Challenge,
    n: int,
    runs: Sequence[RunRecord],
    outputs: Callable[[int], Path],
    seconds: float,
    copies: Callable[[Collection[str]], Sequence[CopiedCheckpoints]] = lambda _digests: (),
    retraining_seconds: float | None = None,
) -> dict[str, Any]:
    """Return the summary of an evaluation that has ended, with a score or the reason for none.

    ``copies`` says which evaluations of other submissions have checkpoints with these hashes,
    ``retraining_seconds`` how long retraining takes where the runs were done, if that is known.

    Raises:
        HostNotReadyError: outputs that were noted cannot be read.
    """
    summary: dict[str, Any] = {
        "evaluation": evaluation,
        "submission": submission,
        "challenge": challenge.description.name,
        "n": n,
        "verdicts": dict(sorted(Counter(str(run.verdict) for run in runs).items())),
        **dict.fromkeys(_FIGURES),
        "seconds": round(seconds, 3),
        "run_seconds_median": _median([run.run_seconds for run in runs]),
        "warnings": _warnings(challenge, runs, copies),
    }
    failed = [run for run in runs if run.verdict is not Verdict.OK]
    if failed:
        first = failed[0]
        detail = f" ({first.detail.splitlines()[0]})" if first.detail.strip() else ""
        summary["reason"] = f"run {first.index} ended as {first.verdict}{detail}"
        return summary
    if challenge.references is None:
        summary.update(reason=SCORE_WITHHELD, score_withheld=True)
        return summary
    try:
        card = compute_card(challenge, runs, outputs, retraining_seconds)
    except ValueError as error:
        summary["reason"] = str(error)
        return summary
    summary.update({name: getattr(card.published, name) for name in (*_FIGURES, *_CLIPPED)})
    interval = card.uncertainty.score if card.uncertainty is not None else None
    summary.update(
        score_low=interval.low if interval is not None else None,
        score_high=interval.high if interval is not None else None,
        ceiling=card.ceiling.quality.estimate if card.ceiling is not None else None,
        share_of_ceiling=card.share_of_ceiling.estimate if card.share_of_ceiling is not None else None,
        flags=[flag.kind for flag in card.flags],
        flag_sentences=[flag.sentence for flag in card.flags],
    )
    return summary


def is_successful(summary: Mapping[str, Any]) -> bool:
    """Return whether an evaluation has its score, or earned all that its challenge can give."""
    return summary["score"] is not None or summary.get("score_withheld") is True


def _warnings(
    challenge: Challenge,
    runs: Sequence[RunRecord],
    copies: Callable[[Collection[str]], Sequence[CopiedCheckpoints]],
) -> list[str]:
    """Return what is not wrong but worth knowing."""
    found = []
    digests = [run.checkpoint_sha256 for run in runs if run.checkpoint_sha256]
    original = content_sha256((challenge.folder / ORIGINAL_FILE).read_bytes())
    unchanged = digests.count(original)
    if unchanged:
        found.append(f"{unchanged} of {len(digests)} checkpoints are the original network, unchanged")
    equal = len(digests) - len(set(digests))
    if equal:
        found.append(f"{equal} of {len(digests)} checkpoints equal that of another seed")
    changed = set(digests) - {original}
    found += [
        f"{sum(digest in copy.digests for digest in digests)} of {len(digests)} checkpoints equal those of "
        f"{OTHER_SUBMISSION} {sanitize_line(copy.submission, 60)} (evaluation {copy.evaluation})"
        for copy in (copies(changed) if changed else ())
    ]
    return found


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 4) if values else None
