"""The table of a challenge, and remarks on its data and references."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from runner.challenge.cautions import all_cautions
from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, Source
from runner.challenge.limits import Limits
from runner.challenge.reference_accuracy import reference_accuracy
from runner.challenge.training import Training
from runner.reports.cells import percent, plain_text
from runner.sanitize import sanitize_line
from runner.units import size_text
from runner.wording import first_of, quantity
from sandbox.protocol.splits import SPLITS

_LINE_CHARACTERS: Final = 500
_LIST_CHARACTERS: Final = 150
"""What a list may take of a cell, which is cut at 200."""


def challenge_table(challenge: Challenge) -> Table:
    """Return a challenge in short."""
    description, limits = challenge.description, challenge.description.limits
    accuracy = reference_accuracy(challenge).accuracy
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    sizes = ", ".join(f"{sum(description.class_counts[split])} {split}" for split in description.splits)
    counts, names = description.class_counts, description.class_names or []
    forget_share = sum(counts["forget"]) / max(1, sum(counts["forget"]) + sum(counts["retain"]))
    of_classes = [
        f"{count} of class {label}" + (f" ({names[label]})" if names else "")
        for label, count in enumerate(counts["forget"])
        if count
    ]
    forget = f"{percent(forget_share, 1)} of the training examples: {_some_of(of_classes)}"
    rows = {
        "challenge": description.name,
        "visibility": description.visibility,
        "contains": _contents(description),
        **({"exported from": description.exported_from} if description.exported_from else {}),
        "recipe": _recipe(description),
        "architecture": f"{description.architecture}, {description.classes} classes",
        **(
            {"class names": _some_of([f"{label} {name}" for label, name in enumerate(names)])}
            if names
            else {}
        ),
        "examples": sizes,
        "forget set": forget,
        "items": f"{description.item_format}, batch size {description.batch_size}",
        "training": _training(description.training) + (" on a GPU" if description.source.device else ""),
        **({"probes": ", ".join(description.probes.kinds)} if description.probes is not None else {}),
        "references": f"{description.references}{', withheld' if description.held_back else ''}",
        **{f"accuracy, {split}": _accuracy(*values) for split, values in accuracy.items()},
        **({"accuracy, original": _original(challenge)} if challenge.build_facts.original_accuracy else {}),
        "limits": (
            f"{_time_limit(limits)} and {limits.memory_bytes >> 20} MiB a run, "
            f"{limits.concurrency} at once on {limits.cpus:g} cores"
            + (f", {limits.total_seconds:g} s for all runs" if limits.total_seconds else "")
        ),
        **(
            {"submissions": f"at most {size_text(limits.submission_bytes)}"}
            if limits.submission_bytes is not None
            else {}
        ),
        **(
            {"too slow": f"above {percent(limits.retraining_fraction)} of retraining"}
            if limits.retraining_fraction is not None
            else {}
        ),
        "feedback": description.feedback,
        **({"control problems": f"{len(description.controls)}"} if description.controls else {}),
    }
    for name, value in rows.items():
        table.add_row(name, plain_text(value))
    return table


def _some_of(words: Sequence[str]) -> str:
    """Return as many words as a cell holds, at least one, and how many there are besides."""
    length = 0
    for number, word in enumerate(words):
        length += len(f"{word}, ")
        if length > _LIST_CHARACTERS and number:
            return first_of(words, number)
    return ", ".join(words)


def _recipe(description: Description) -> str:
    seed = "" if description.seed is None else f", seed {description.seed}"
    return f"{description.recipe}{seed}{_data(description.source)}"


def _accuracy(minimum: float, median: float, maximum: float) -> str:
    return f"{minimum:.4f}, {median:.4f}, {maximum:.4f} (minimum, median and maximum of the references)"


def _original(challenge: Challenge) -> str:
    accuracy = challenge.build_facts.original_accuracy
    return ", ".join(f"{split} {accuracy[split]:.4f}" for split in SPLITS if split in accuracy)


def _training(training: Training) -> str:
    """Return in one line how a challenge's networks were trained."""
    nesterov = "Nesterov " if training.nesterov else ""
    momentum = f", {nesterov}momentum {training.momentum:g}" if training.momentum else ""
    weights = ", classes balanced" if training.class_weights == "balanced" else ""
    best = ", best epoch by validation" if training.keep == "best-by-validation" else ""
    return (
        f"{training.optimizer}, learning rate {training.learning_rate:g} {training.schedule}{momentum}, "
        f"weight decay {training.weight_decay:g}, {quantity(training.epochs, 'epoch')} of batches of "
        f"{training.batch_size}{weights}{best}"
    )


def challenge_remarks(challenge: Challenge) -> list[Text]:
    """Return a line for each note of the recipe, and for each warning."""
    lines = [
        *(f"note: {text}" for text in challenge.build_facts.notes),
        *(f"warning: {text}" for text in challenge_warnings(challenge)),
    ]
    return [Text(sanitize_line(line, _LINE_CHARACTERS), style="yellow") for line in lines]


def challenge_warnings(challenge: Challenge) -> list[str]:
    """Return a sentence for each warning about a challenge's data, references, limits and networks."""
    behind = reference_accuracy(challenge).warning()
    return [
        *challenge.warnings,
        *([behind] if behind is not None else []),
        *all_cautions(challenge),
    ]


def _contents(description: Description) -> str:
    if description.held_back:
        return "original, retain, forget and val; test split, references and seed stay with the organizer"
    return "original, all splits, references"


def _data(source: Source) -> str:
    return f", files {source.data_sha256[:12]}" if source.data_sha256 else ""


def _time_limit(limits: Limits) -> str:
    if limits.wall_fraction is not None:
        return f"{limits.wall_fraction:.4g} of the time that retraining takes on the machine"
    return f"{limits.wall_seconds:g} s"
