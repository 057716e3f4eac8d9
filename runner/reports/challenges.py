"""TODO runner.reports.challenges."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, Source
from runner.challenge.limits import Limits
from runner.challenge.reference_accuracy import reference_accuracy
from runner.challenge.training import Training
from runner.reports.cells import plain_text
from runner.sanitize import sanitize_line


def challenge_table(challenge: Challenge) -> Table:
    """Return what a challenge is, in short."""
    said, limits, spread = challenge.description, challenge.description.limits, reference_accuracy(challenge)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column()
    sizes = ", ".join(f"{sum(said.class_counts[split])} {split}" for split in said.splits)
    forget = ", ".join(
        f"{count} of class {label}" for label, count in enumerate(said.class_counts["forget"]) if count
    )
    rows = {
        "challenge": said.name,
        "sha256": challenge.sha256,
        "visibility": said.visibility,
        "contains": _contents(said),
        **({"exported from": said.exported_from} if said.exported_from else {}),
        "recipe": f"{said.recipe}{'' if said.seed is None else f', seed {said.seed}'}{_data(said.source)}",
        "architecture": f"{said.architecture}, {said.classes} classes",
        "examples": sizes,
        "forget set": forget,
        "items": f"{said.item_format}, batch size {said.batch_size}",
        "training": _training(said.training) + (" on a GPU" if said.source.device else ""),
        "references": f"{said.references}{', held back' if said.held_back else ''}",
        **{f"accuracy, {split}": _accuracy(*found) for split, found in spread.accuracy.items()},
        "limits": (
            f"{_time_limit(limits)} and {limits.memory_bytes >> 20} MiB a run, "
            f"{limits.concurrency} at once on {limits.cpus:g} cores"
            + (f", {limits.total_seconds:g} s for all runs" if limits.total_seconds else "")
        ),
        "feedback": said.feedback,
    }
    for name, value in rows.items():
        table.add_row(name, plain_text(value))
    return table


def _accuracy(least: float, median: float, greatest: float) -> str:
    return f"{least:.4f}, {median:.4f}, {greatest:.4f} (the least, median and greatest of the references)"


def _training(said: Training) -> str:
    """Return in one line how a challenge's networks were trained."""
    nesterov = "Nesterov " if said.nesterov else ""
    momentum = f", {nesterov}momentum {said.momentum:g}" if said.momentum else ""
    weights = ", classes balanced" if said.class_weights == "balanced" else ""
    best = ", best epoch by validation" if said.keep == "best-by-validation" else ""
    return (
        f"{said.optimizer}, learning rate {said.learning_rate:g} {said.schedule}{momentum}, weight decay "
        f"{said.weight_decay:g}, {said.epochs} epochs of batches of {said.batch_size}{weights}{best}"
    )


def challenge_remarks(challenge: Challenge) -> list[Text]:
    """Return a line for each thing that is worth knowing of a challenge's data and references."""
    behind = reference_accuracy(challenge).warning()
    warnings = [*challenge.warnings, *([behind] if behind is not None else [])]
    return [Text(f"warning: {sanitize_line(text)}", style="yellow") for text in warnings]


def _contents(said: Description) -> str:
    if said.held_back:
        return "original, retain, forget and val; test split, references and seed stay with the organizer"
    return "original, all splits, references"


def _data(source: Source) -> str:
    return f", files {source.data_sha256[:12]}" if source.data_sha256 else ""


def _time_limit(limits: Limits) -> str:
    if limits.wall_fraction is not None:
        return f"{limits.wall_fraction:.4g} of the time that retraining takes on the machine"
    return f"{limits.wall_seconds:g} s"
