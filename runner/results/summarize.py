"""Summarize an evaluation that has ended: verdicts, figures of the score card, warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from runner.challenge.challenge import Challenge
from runner.challenge.layout import ORIGINAL_FILE
from runner.parsers.binary_files import BinaryFile
from runner.parsers.checkpoint import content_sha256
from runner.parsers.remarks import ANSWERS_UNLIKE
from runner.results.scoring import SCORE_WITHHELD
from runner.results.summary import FIGURES, SCHEMA_VERSION, Summary
from runner.results.view import EQUAL_SEEDS, NOT_TEXT, OTHER_SUBMISSION, UNCHANGED
from runner.sanitize import sanitize_line
from runner.store.records import CopiedCheckpoints, RunRecord
from runner.units import size_text
from runner.verdict import Verdict
from runner.wording import first_of

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard

_NAMED_COPIES: Final = 3
"""Evaluations that one warning names."""
_NAMED_FILES: Final = 5
"""Files that are not text, of those named."""
_REMARKED_NAMES: Final = 3
"""What so many runs claim is shown of one remark."""
_REMARK_CHARACTERS: Final = 130
"""Of all that is claimed together: a line with it is shown in full (`sanitize_line`)."""
_CLIPPED: Final = ("retain_ratio_clipped", "test_ratio_clipped", "score_clipped")


def summarize(
    *,
    evaluation: str,
    submission: str,
    challenge: Challenge,
    n: int,
    runs: Sequence[RunRecord],
    seconds: float,
    card: ScoreCard | str | None,
    copies: Callable[[Collection[str]], Sequence[CopiedCheckpoints]] = lambda _digests: (),
    binary_files: Sequence[BinaryFile] = (),
) -> Summary:
    """Return the summary of an evaluation that has ended.

    Args:
        evaluation: Its name.
        submission: The submission's name.
        challenge: What it was evaluated on.
        n: How many runs were requested.
        runs: As published.
        seconds: Wall time spent on it.
        card: The score card, or the sentence that says why there is none; None where a run failed, or the
            references are withheld.
        copies: Returns which evaluations of other submissions have checkpoints with these hashes.
        binary_files: Files of the submission that are not text.
    """
    equal = _equal_evaluations(challenge, runs, copies)
    warnings = _warnings(challenge, runs) + _warnings_of_copies(runs, equal) + _not_text(binary_files)
    values: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "evaluation": evaluation,
        "submission": submission,
        "challenge": challenge.description.name,
        "n": n,
        "verdicts": dict(sorted(Counter(str(run.verdict) for run in runs).items())),
        **dict.fromkeys(FIGURES),
        "seconds": round(seconds, 3),
        "run_seconds_median": _median([run.run_seconds for run in runs]),
        "warnings": warnings,
        "equal_evaluations": [copy.evaluation for copy in equal],
    }
    failed = next((run for run in runs if run.verdict is not Verdict.OK), None)
    if failed is not None:
        values["reason"] = failure_reason(failed)
    elif challenge.references is None:
        values |= {"reason": SCORE_WITHHELD, "score_withheld": True}
    elif isinstance(card, str):
        values["reason"] = card
    else:
        assert card is not None, "an evaluation whose runs are all ok has a card, or a reason for none"
        values |= _figures(card)
    return Summary(**values)


def failure_reason(run: RunRecord) -> str:
    """Return why an evaluation with this failed run has no score: verdict and first line of the detail."""
    detail = run.detail.strip().splitlines()
    return f"run {run.index} ended as {run.verdict}" + (f" ({detail[0]})" if detail else "")


def _figures(card: ScoreCard) -> dict[str, Any]:
    interval = card.uncertainty.score if card.uncertainty is not None else None
    return {
        **{name: getattr(card.published, name) for name in (*FIGURES, *_CLIPPED)},
        "score_low": interval.low if interval is not None else None,
        "score_high": interval.high if interval is not None else None,
        "ceiling": card.ceiling.quality.estimate if card.ceiling is not None else None,
        "share_of_ceiling": card.share_of_ceiling.estimate if card.share_of_ceiling is not None else None,
        "flags": [flag.kind for flag in card.flags],
        "flag_sentences": [flag.sentence for flag in card.flags],
    }


def _warnings(challenge: Challenge, runs: Sequence[RunRecord]) -> list[str]:
    """Return a sentence for each observation that is not a failure, but that the organizer should know."""
    digests = _checkpoints(runs)
    warnings = []
    if unchanged := digests.count(_original(challenge)):
        warnings.append(f"{unchanged} of {len(digests)} {UNCHANGED}")
    if equal := len(digests) - len(set(digests)):
        warnings.append(f"{equal} of {len(digests)} {EQUAL_SEEDS}")
    return warnings + _remarks([run.detail for run in runs if run.verdict is Verdict.OK], len(runs))


def _remarks(details: Sequence[str], n: int) -> list[str]:
    """Return one sentence for each of the host's sentences on successful runs.

    What stands in parentheses behind it is the submission's, and may differ from run to run.
    """
    groups: dict[str, list[str]] = {}
    for detail in filter(None, details):
        sentence, names = detail, ""
        if detail.startswith(f"{ANSWERS_UNLIKE} ("):
            sentence, names = ANSWERS_UNLIKE, detail.removeprefix(f"{ANSWERS_UNLIKE} (").removesuffix(")")
        groups.setdefault(sentence, []).append(names)
    warnings = []
    for sentence, claimed in groups.items():
        distinct = list(dict.fromkeys(filter(None, claimed)))
        shown = [*distinct[:_REMARKED_NAMES], *(["…"] if len(distinct) > _REMARKED_NAMES else [])]
        names = f" ({sanitize_line(', '.join(shown), _REMARK_CHARACTERS)})" if shown else ""
        warnings.append(f"{len(claimed)} of {n} runs: {sanitize_line(sentence)}{names}")
    return warnings


def _equal_evaluations(
    challenge: Challenge,
    runs: Sequence[RunRecord],
    copies: Callable[[Collection[str]], Sequence[CopiedCheckpoints]],
) -> Sequence[CopiedCheckpoints]:
    """Return the evaluations of other submissions with the same changed checkpoints."""
    changed = set(_checkpoints(runs)) - {_original(challenge)}
    return copies(changed) if changed else ()


def _warnings_of_copies(runs: Sequence[RunRecord], copies: Sequence[CopiedCheckpoints]) -> list[str]:
    """Return a sentence for all evaluations with the same number of equal checkpoints."""
    digests = _checkpoints(runs)
    groups: dict[int, list[CopiedCheckpoints]] = {}
    for copy in copies:
        groups.setdefault(sum(digest in copy.digests for digest in digests), []).append(copy)
    warnings = []
    for count, group in groups.items():
        names = [f"{sanitize_line(copy.submission, 60)} (evaluation {copy.evaluation})" for copy in group]
        warnings.append(
            f"{count} of {len(digests)} checkpoints equal those of {OTHER_SUBMISSION} "
            f"{first_of(names, _NAMED_COPIES)}"
        )
    return warnings


def _not_text(files: Sequence[BinaryFile]) -> list[str]:
    """Return a sentence for all files that are not text: they may hold what was computed beforehand."""
    names = [f"{sanitize_line(file.name, 60)} ({size_text(file.size_bytes)})" for file in files]
    return [f"{NOT_TEXT}{first_of(names, _NAMED_FILES)}"] if names else []


def _checkpoints(runs: Sequence[RunRecord]) -> list[str]:
    return [run.checkpoint_sha256 for run in runs if run.checkpoint_sha256]


def _original(challenge: Challenge) -> str:
    return content_sha256((challenge.folder / ORIGINAL_FILE).read_bytes())


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 4) if values else None
