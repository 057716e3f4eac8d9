"""Tables for people. Everything a stranger may have named or written is shown as plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from runner.challenge import Challenge
from runner.description import Description, Source
from runner.limits import Limits
from runner.spread import spread_of
from runner.text import harmless_line
from runner.training import Training

Summary = Mapping[str, Any]


_NARROW: Final = 96
_WIDE: Final = 120


def score_table(summaries: Sequence[Summary], width: int = _NARROW) -> Table:
    """Return the scores of evaluations, the best first and those without a score last.

    ``score`` is ``forget`` (forgetting quality) x ``retain`` x ``test`` (accuracy as a ratio to
    the references'); ``mean ε`` is how well the checkpoints are told apart from the references.
    Where there is room: ``95 %``, where the score may lie if all models were drawn again, and
    ``of ceiling``, forgetting quality over what perfect unlearning would get.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("submission", min_width=15, overflow="fold")
    worth = ["95 %", "of ceiling"] if width >= _WIDE else []
    figures = ["score", *worth[:1], "forget", *worth[1:], "retain", "test", "mean ε", "n"]
    if wide := width >= _NARROW:
        figures.append("s/run")
    for name in figures:
        table.add_column(name, justify="right", no_wrap=True)
    if wide:
        table.add_column("verdicts", min_width=6, overflow="fold")
    table.add_column("evaluation", no_wrap=True)
    for summary in sorted(summaries, key=_rank):
        more: list[str | Text] = []
        if wide:
            more = [_figure(summary.get("run_seconds_median"), 2), plain(_verdicts(summary))]
        table.add_row(
            plain(summary["submission"]),
            _figure(summary.get("score"), 4),
            *([_range(summary)] if worth else []),
            _figure(summary.get("forgetting_quality"), 4),
            *([_share(summary)] if worth else []),
            _figure(summary.get("retain_ratio"), 4),
            _figure(summary.get("test_ratio"), 4),
            _figure(summary.get("epsilon_mean"), 2),
            str(summary["n"]),
            *more,
            str(summary["evaluation"]),
        )
    return table


def remarks(summaries: Sequence[Summary]) -> list[Text]:
    """Return a line for each warning and each missing score."""
    lines = []
    for summary in summaries:
        name = harmless_line(summary["submission"], 60)
        if summary.get("score_withheld"):
            lines.append(Text(f"{name}: {harmless_line(summary['reason'])}"))
        elif summary.get("reason"):
            lines.append(Text(f"{name}: no score: {harmless_line(summary['reason'])}", style="red"))
        told = (*summary["warnings"], *summary.get("flag_sentences", ()))
        lines += [Text(f"{name}: {harmless_line(text)}", style="yellow") for text in told]
    if len({summary["n"] for summary in summaries if summary.get("score") is not None}) > 1:
        lines.append(
            Text("Scores of different n have different bins and are not comparable.", style="yellow")
        )
    return lines


def _range(summary: Summary) -> str:
    low, high = summary.get("score_low"), summary.get("score_high")
    return "" if low is None or high is None else f"{low:.4f} to {high:.4f}"


def _share(summary: Summary) -> str:
    share = summary.get("share_of_ceiling")
    return "" if share is None else f"{share:.0%}"


def runs_table(runs: Sequence[Mapping[str, Any]]) -> Table:
    """Return how each run of an evaluation ended."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("run", "seed", "verdict", "seconds", "attempt", "checkpoint", "detail"):
        table.add_column(name, justify="right" if name in ("run", "seconds", "attempt") else "left")
    for run in runs:
        table.add_row(
            str(run["index"]),
            str(run["seed"]),
            plain(run["verdict"]),
            _figure(run["host_seconds"], 2),
            str(run["attempt"]),
            run["checkpoint_sha256"][:12],
            plain(run["detail"]),
        )
    return table


def challenge_table(challenge: Challenge) -> Table:
    """Return what a challenge is, in short."""
    said, limits, spread = challenge.description, challenge.description.limits, spread_of(challenge)
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
        table.add_row(name, plain(value))
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
    behind = spread_of(challenge).warning()
    warnings = [*challenge.warnings, *([behind] if behind is not None else [])]
    return [Text(f"warning: {harmless_line(text)}", style="yellow") for text in warnings]


def terms_line(terms: Mapping[str, Any]) -> Text:
    """Return in one line what an evaluation's runs were allowed, on one machine."""
    parts = [f"{terms['wall_seconds']:.4g} s a run"]
    if terms["wall_fraction"] is not None:
        parts.append(
            f"{terms['wall_fraction']:.4g} of the {terms['retrain_seconds']:.4g} s that retraining takes"
        )
    if terms["total_seconds"] is not None:
        parts.append(f"{terms['total_seconds']:.4g} s for all runs")
    return Text(f"Time limit: {', '.join(parts)}. Participants are told: {terms['feedback']}.")


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


def plain(value: object) -> Text:
    """Return text that rich will not read as markup and a terminal not as commands."""
    return Text(harmless_line(str(value), 200))


def _verdicts(summary: Summary) -> str:
    return ", ".join(f"{count} {word}" for word, count in summary["verdicts"].items())


def _rank(summary: Summary) -> tuple[int, float]:
    score = summary.get("score")
    return (1, 0.0) if score is None else (0, -score)


def _figure(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
