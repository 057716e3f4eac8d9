"""What came of an evaluation, as the object that `--json` prints and the store keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.challenge import ORIGINAL, Challenge
from runner.checkpoint import content_sha256
from runner.errors import HostNotReadyError
from runner.evaluator import RunOutputs, load
from runner.store import Copy, RunRecord
from runner.text import harmless_line
from runner.verdict import Verdict
from sandbox.jobs import SPLITS
from scoring import Accuracies, PublishedScore, published_score

OTHERS: Final = "another submission:"
"""What a warning says that is the organizer's to know: participants are not told of each other."""

_FIGURES: Final = ("score", "forgetting_quality", "retain_ratio", "test_ratio", "epsilon_mean")


def summarise(
    *,
    evaluation: str,
    submission: str,
    challenge: Challenge,
    n: int,
    runs: Sequence[RunRecord],
    outputs: Callable[[int], Path],
    seconds: float,
    copies: Callable[[Collection[str]], Sequence[Copy]] = lambda _digests: (),
) -> dict[str, Any]:
    """Return the summary of an evaluation that has ended, with a score or the reason for none.

    ``copies`` says which evaluations of other submissions have checkpoints with these hashes.

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
    try:
        scored = _score(challenge, [_read(challenge, outputs(run.index)) for run in runs])
    except ValueError as error:
        summary["reason"] = str(error)
        return summary
    summary.update({name: getattr(scored, name) for name in _FIGURES})
    summary.update(
        retain_ratio_clipped=scored.retain_ratio_clipped,
        test_ratio_clipped=scored.test_ratio_clipped,
        score_clipped=scored.score_clipped,
    )
    return summary


def _read(challenge: Challenge, file: Path) -> RunOutputs:
    said = challenge.description
    found = load(
        file,
        examples=len(challenge.forget_labels),
        classes=said.classes,
        unseen=sum(said.class_counts["test"]),
    )
    if found is None:
        raise HostNotReadyError(f"{file} is damaged; remove it and repeat the command to do that run again.")
    return found


def _score(challenge: Challenge, runs: Sequence[RunOutputs]) -> PublishedScore:
    references = challenge.references
    return published_score(
        unlearned_logits=np.stack([run.logits for run in runs]),
        reference_logits=references.logits,
        labels=challenge.forget_labels,
        unlearned_accuracies=_accuracies(challenge, np.stack([run.correct for run in runs])),
        reference_accuracies=_accuracies(challenge, references.correct),
    )


def _accuracies(challenge: Challenge, correct: NDArray[np.int64]) -> Accuracies:
    """Return accuracies from right answers [models, 4, classes]."""
    sizes = np.array([sum(challenge.description.class_counts[split]) for split in SPLITS])
    by_split = correct.sum(axis=2) / sizes
    return Accuracies(retain=by_split[:, SPLITS.index("retain")], test=by_split[:, SPLITS.index("test")])


def _warnings(
    challenge: Challenge, runs: Sequence[RunRecord], copies: Callable[[Collection[str]], Sequence[Copy]]
) -> list[str]:
    """Return what is not wrong but worth knowing."""
    found = []
    digests = [run.checkpoint_sha256 for run in runs if run.checkpoint_sha256]
    original = content_sha256((challenge.folder / ORIGINAL).read_bytes())
    unchanged = digests.count(original)
    if unchanged:
        found.append(f"{unchanged} of {len(digests)} checkpoints are the original network, unchanged")
    equal = len(digests) - len(set(digests))
    if equal:
        found.append(f"{equal} of {len(digests)} checkpoints equal that of another seed")
    changed = set(digests) - {original}
    found += [
        f"{sum(digest in copy.digests for digest in digests)} of {len(digests)} checkpoints equal those of "
        f"{OTHERS} {harmless_line(copy.submission, 60)} (evaluation {copy.evaluation})"
        for copy in (copies(changed) if changed else ())
    ]
    return found


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 4) if values else None
