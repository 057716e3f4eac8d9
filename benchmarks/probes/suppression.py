"""Suppression told from retraining on real networks, from what `benchmarks.probes.networks` made.

Networks are made where torch is, in the image::

    python -m benchmarks.probes.networks --data-set digits --folder FOLDER
    python -m benchmarks.probes.suppression --folder FOLDER --store

Challenges that the folder does not have keep their stored figures. Without a folder the table
of docs/metrics.md is written again from the stored figures.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from scoring.outputs import Outputs
from scoring.probes.arrays import Probes
from scoring.probes.contrast import Gap
from scoring.probes.relearning import relearning
from scoring.published.score import score_of_confidences

REFERENCES: Final = "references"
RULES: Final = {"version 2": "own last layer", "probe": "new last layer, noisy copies"}
"""Ways of relearning, and what the table calls them."""
_ROOT: Final = Path(__file__).parents[2]
PAGE: Final = _ROOT / "docs" / "metrics.md"
STORED: Final = _ROOT / "benchmarks" / "data" / "suppression.json"
_TABLE: Final = re.compile(r"(?<=<!-- table: suppression -->\n\n)(?:\|.*\n)*")


def outputs_of(arrays: dict[str, NDArray[Any]], method: str, rule: str) -> Outputs:
    """Return the outputs of a population, with one way of fine-tuning as the probe.

    The counts of correct answers on the forget set are those of the logits: a table that adds to the answers
    on these examples is no part of the networks that were counted.
    """
    labels, logits = arrays["labels"], arrays[f"{method}/logits"]
    classes = logits.shape[2]
    correct = arrays[f"{method}/correct"].copy()
    right = logits.argmax(axis=2) == labels
    for model, of_model in enumerate(right):
        correct[model, 1] = np.bincount(labels[of_model], minlength=classes)
    return Outputs(
        logits=logits,
        labels=labels,
        correct=correct,
        class_counts=arrays["class_counts"],
        unseen_losses=arrays[f"{method}/unseen_losses"],
        probes=Probes(relearned_logits=arrays[f"{method}/relearned {rule}"]),
    )


def record(arrays: dict[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """Return what the report keeps of each method on one challenge."""
    names = [name.split("/", 1)[0] for name in arrays if "/" in name]
    methods = dict.fromkeys(name for name in names if name != REFERENCES)
    return [{"method": method, **_figures(arrays, method)} for method in methods]


def _figures(arrays: dict[str, NDArray[Any]], method: str) -> dict[str, Any]:
    """Return the published score, and by way of relearning the gaps of what is known afterwards."""
    figures: dict[str, Any] = {"models": len(arrays[f"{method}/logits"])}
    for rule in RULES:
        unlearned, references = (outputs_of(arrays, each, rule) for each in (method, REFERENCES))
        confidences = unlearned.confidences(), references.confidences()
        published = score_of_confidences(
            *confidences,
            unlearned_accuracies=unlearned.accuracies(),
            reference_accuracies=references.accuracies(),
        )
        gaps = relearning(
            unlearned.probes,
            references.probes,
            unlearned.labels,
            logits=(unlearned.logits, references.logits),
            confidences=confidences,
        )
        figures["score"] = round(published.score, 4)
        figures[rule] = {
            "accuracy_after": _numbers(gaps.accuracy_after),
            "confidence_after": _numbers(gaps.confidence_after),
        }
    return figures


def _numbers(gap: Gap) -> dict[str, float]:
    numbers = {
        "estimate": gap.value.estimate,
        "low": gap.value.low,
        "high": gap.value.high,
        "null": gap.null.high,
    }
    return {name: round(float(value), 4) for name, value in numbers.items()}


def table(data: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Yield the lines of the Markdown table; a gap is bold where its interval lies outside its null."""
    parts = [f"{part}, {name}" for name in RULES.values() for part in ("accuracy", "confidence")]
    yield f"| challenge | method | score | {' | '.join(parts)} |"
    yield "|---" * (3 + len(parts)) + "|"
    for challenge, methods in data.items():
        for figures in methods:
            gaps = [gap for rule in RULES for gap in figures[rule].values()]
            cells = [challenge, figures["method"], f"{figures['score']:.3f}", *map(cell, gaps)]
            yield f"| {' | '.join(cells)} |"


def cell(gap: Mapping[str, float]) -> str:
    """Return a gap with its interval."""
    text = f"{gap['estimate']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f})"
    return f"**{text}**" if gap["low"] > gap["null"] or gap["high"] < -gap["null"] else text


def with_table(page: str, data: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the page with the table of a report below the comment that names it.

    Raises:
        ValueError: the page does not name it once.
    """
    changed, places = _TABLE.subn(lambda _match: "".join(f"{line}\n" for line in table(data)), page)
    if places != 1:
        raise ValueError(f"The page names the table {places} times, but should once.")
    return changed


def main() -> None:
    """Print the table; store figures and table if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, help="with the populations")
    parser.add_argument("--store", action="store_true", help="write the figures, and docs/metrics.md")
    options = parser.parse_args()
    data = json.loads(STORED.read_text(encoding="utf-8"))
    if options.folder is not None:
        for file in sorted(options.folder.glob("suppression-*.npz")):
            with np.load(file) as arrays:
                data[file.stem.removeprefix("suppression-")] = record(dict(arrays))
    print("\n".join(table(data)))
    if options.store:
        STORED.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), data), encoding="utf-8")


if __name__ == "__main__":
    main()
