"""The summary of an evaluation: the object that ``--json`` prints and the store records.

A versioned value. ``tests/runner/golden/summary_schema.json`` records its JSON schema; fields are added with a
default and never change their meaning, so summaries of earlier versions are still read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from runner.challenge.challenge import Challenge
from runner.challenge.layout import ORIGINAL_FILE
from runner.errors import HostNotReadyError
from runner.parsers.checkpoint import content_sha256
from runner.results.scoring import SCORE_WITHHELD
from runner.sanitize import sanitize_line
from runner.store.records import CopiedCheckpoints, RunRecord
from runner.validation import first_problem
from runner.verdict import Verdict

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard

SCHEMA_VERSION: Final = 1
OTHER_SUBMISSION: Final = "another submission:"
"""Part of warnings that only the organizer may read: participants learn nothing of each other."""

FIGURES: Final = ("score", "forgetting_quality", "retain_ratio", "test_ratio", "epsilon_mean")
_CLIPPED: Final = ("retain_ratio_clipped", "test_ratio_clipped", "score_clipped")


class Summary(BaseModel):
    """How an evaluation ended, with a score or the reason for none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    evaluation: str
    submission: str
    challenge: str
    n: int
    verdicts: dict[str, int]
    """Runs by verdict."""
    score: float | None = None
    forgetting_quality: float | None = None
    retain_ratio: float | None = None
    test_ratio: float | None = None
    epsilon_mean: float | None = None
    """In nats."""
    seconds: float
    """Wall time spent on the evaluation, over all commands."""
    run_seconds_median: float | None = None
    warnings: list[str] = []
    reason: str | None = None
    """Why there is no score."""
    score_withheld: bool = False
    """There is no score because the challenge came without references, which is nobody's failure."""
    retain_ratio_clipped: float | None = None
    test_ratio_clipped: float | None = None
    score_clipped: float | None = None
    score_low: float | None = None
    score_high: float | None = None
    ceiling: float | None = None
    """Forgetting quality that perfect unlearning would get."""
    share_of_ceiling: float | None = None
    flags: list[str] = []
    """Kinds of flags."""
    flag_sentences: list[str] = []

    @property
    def is_successful(self) -> bool:
        """Return whether the evaluation has its score, or all that its challenge can give."""
        return self.score is not None or self.score_withheld

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object: the fields that were set, so that earlier summaries stay as they are."""
        return self.model_dump(mode="json", exclude_unset=True)

    def to_bytes(self) -> bytes:
        """Return the content of ``summary.json``."""
        return (json.dumps(self.to_json(), indent=2) + "\n").encode()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the summary that `to_json` gave.

        Raises:
            HostNotReadyError: it is not a summary, or one of a later version.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise HostNotReadyError(
                f"A stored summary cannot be read ({sanitize_line(first_problem(error))}); "
                "use the version of unlearn that wrote it."
            ) from error


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
    """
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
        "warnings": _warnings(challenge, runs, copies),
    }
    failed = next((run for run in runs if run.verdict is not Verdict.OK), None)
    if failed is not None:
        detail = f" ({failed.detail.splitlines()[0]})" if failed.detail.strip() else ""
        values["reason"] = f"run {failed.index} ended as {failed.verdict}{detail}"
    elif challenge.references is None:
        values |= {"reason": SCORE_WITHHELD, "score_withheld": True}
    elif isinstance(card, str):
        values["reason"] = card
    else:
        assert card is not None, "an evaluation whose runs are all ok has a card, or a reason for none"
        values |= _figures(card)
    return Summary(**values)


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


def _warnings(
    challenge: Challenge,
    runs: Sequence[RunRecord],
    copies: Callable[[Collection[str]], Sequence[CopiedCheckpoints]],
) -> list[str]:
    """Return sentences on what is no failure but worth knowing."""
    digests = [run.checkpoint_sha256 for run in runs if run.checkpoint_sha256]
    original = content_sha256((challenge.folder / ORIGINAL_FILE).read_bytes())
    warnings = []
    if unchanged := digests.count(original):
        warnings.append(f"{unchanged} of {len(digests)} checkpoints are the original network, unchanged")
    if equal := len(digests) - len(set(digests)):
        warnings.append(f"{equal} of {len(digests)} checkpoints equal that of another seed")
    changed = set(digests) - {original}
    warnings += [
        f"{sum(digest in copy.digests for digest in digests)} of {len(digests)} checkpoints equal those of "
        f"{OTHER_SUBMISSION} {sanitize_line(copy.submission, 60)} (evaluation {copy.evaluation})"
        for copy in (copies(changed) if changed else ())
    ]
    return warnings


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 4) if values else None
