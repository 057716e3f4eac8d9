"""Suppression told from retraining on real networks, from what `benchmarks.probes.networks` made.

Networks are made where torch is, in the image::

    python -m benchmarks.probes.networks --data-set digits --folder FOLDER
    python -m benchmarks.probes.suppression --folder FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.outputs import Outputs
from scoring.probes.arrays import Probes
from scoring.probes.contrast import Gap
from scoring.probes.relearning import relearning
from scoring.published.score import score_of_confidences

REFERENCES = "references"


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


def rows(arrays: dict[str, NDArray[Any]]) -> list[str]:
    """Return the rows of the table, in Markdown; a gap is bold where its interval lies outside its null."""
    names = [name.split("/", 1) for name in arrays if "/" in name]
    rules = dict.fromkeys(
        rest.removeprefix("relearned ") for _, rest in names if rest.startswith("relearned ")
    )
    methods = dict.fromkeys(method for method, _ in names if method != REFERENCES)
    lines = []
    for rule in rules:
        references = outputs_of(arrays, REFERENCES, rule)
        for method in methods:
            unlearned = outputs_of(arrays, method, rule)
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
            cells = [rule, method, f"{published.score:.3f}"]
            cells += [cell(gap) for gap in (gaps.accuracy, gaps.confidence, gaps.accuracy_after)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def cell(gap: Gap) -> str:
    """Return a value with its interval."""
    value = gap.value
    text = f"{value.estimate:.3f} ({value.low:.3f} to {value.high:.3f})"
    return f"**{text}**" if value.low > gap.null.high or value.high < gap.null.low else text


def main() -> None:
    """Print a table for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="with the populations")
    options = parser.parse_args()
    titles = ["steps", "method", "score", "accuracy", "confidence", "accuracy after"]
    for file in sorted(options.folder.glob("suppression-*.npz")):
        with np.load(file) as arrays:
            print(f"\n{file.stem}\n\n| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
            print("\n".join(rows(dict(arrays))), flush=True)


if __name__ == "__main__":
    main()
