"""A view of an evaluation for a terminal: failure, problems, score, time, next command; in this order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from runner.reports.cells import percent
from runner.reports.views.model import (
    BaselineView,
    EvaluationView,
    FailureView,
    MemoryView,
    ScoreView,
    TimeView,
)
from runner.units import MIB, duration
from runner.verdict import Verdict
from runner.wording import quantity

_STATUS: Final = {
    "scored": "scored",
    "smoke-test": "ok",
    "judged": "ok",
    "failed": "failed",
    "held": "not judged",
    "refused": "refused",
    "unfinished": "not finished",
}
_BAD: Final = "red"
_LITTLE: Final = 0.95
"""A part of what perfect unlearning reaches from which a score loses little."""


def view_lines(view: EvaluationView, *, traceback: bool = False) -> Iterator[Text]:
    """Yield the lines of a view.

    Args:
        view: Filtered already, if a participant reads it.
        traceback: Show the end of the failed run's output as well.
    """
    bad = view.is_failure or view.is_fault_of_host
    yield Text(_headline(view), style=_BAD if bad else "")
    if view.failure is not None:
        yield from _failure(view.failure, traceback=traceback)
        if view.verdicts.get(Verdict.OK):
            yield Text(f"  run {view.failure.run} failed and others were ok: it may depend on the seed")
    elif view.reason:
        yield Text(f"  {view.reason}")
    for problem in view.problems:
        yield Text(f"  problem: {problem.full_sentence}", style=_BAD)
        if problem.advice:
            yield Text(f"    {problem.advice}")
    if view.status in ("smoke-test", "judged") and not view.problems and view.feedback != "verdict-only":
        yield Text("  every run changed the network, and different seeds gave different checkpoints")
    if view.score is not None:
        yield from map(Text, _score(view.score, view.n))
        if view.baseline is not None:
            yield Text(f"  {_baseline(view.baseline, view.n)}")
    if view.time is not None:
        yield Text(f"  {_time(view.time)}")
    if view.memory is not None and (view.failure is None or view.failure.verdict == Verdict.MEMORY_LIMIT):
        yield Text(f"  {_memory(view.memory)}")
    if view.feedback == "verdict-only":
        yield Text("  The challenge shows participants verdicts only.")
    for command in view.next:
        yield Text(f"  next: {command}")


def counts_text(views: Sequence[EvaluationView]) -> str:
    """Return how many submissions ended how, as ``3 submissions: 2 ok, 1 failed``."""
    words = [_STATUS[view.status] for view in views]
    counts = [f"{words.count(word)} {word}" for word in dict.fromkeys(_STATUS.values()) if word in words]
    return f"{quantity(len(views), 'submission')}: {', '.join(counts)}"


def _headline(view: EvaluationView) -> str:
    name = view.path or view.submission
    counts = ", ".join(f"{count} {verdict}" for verdict, count in view.verdicts.items())
    parts = [f"{name}: {_STATUS[view.status]}"]
    if view.verdicts:
        parts.append(f"{quantity(sum(view.verdicts.values()), 'run')} ({counts})")
    return ", ".join(parts)


def _failure(failure: FailureView, *, traceback: bool) -> Iterator[Text]:
    if traceback and failure.traceback:
        yield from (Text(f"  | {line}") for line in failure.traceback.splitlines())
    if failure.file is not None:
        yield Text(f"  {failure.file}:{failure.line}")
        if failure.source:
            yield Text(f"  | {failure.source}", style="bold")
    yield Text(
        f"  {failure.verdict}: {failure.message}" if failure.message else f"  {failure.verdict}", style=_BAD
    )
    if failure.advice:
        yield Text(f"  {failure.advice}")


def _score(score: ScoreView, n: int) -> Iterator[str]:
    half = (
        f" ± {(score.high - score.low) / 2:.4f}" if score.low is not None and score.high is not None else ""
    )
    yield f"  score {score.value:.4f}{half} (n = {n})"
    factors = [
        f"{name} {value:.4f}"
        for name, value in (
            ("forget", score.forgetting_quality),
            ("retain", score.retain_ratio),
            ("test", score.test_ratio),
        )
        if value is not None
    ]
    if factors:
        yield f"  = {' * '.join(factors)}"
    if sentence := loss_sentence(score):
        yield f"  {sentence}"


def _baseline(baseline: BaselineView, n: int) -> str:
    sentence = f"{baseline.name}, the contest's simplest baseline, scores {baseline.score:.4f} here"
    if baseline.runs_to_tell_apart is None:
        return sentence
    if baseline.runs_to_tell_apart <= n:
        return f"{sentence}: the difference is beyond the noise"
    return f"{sentence}: it takes about {baseline.runs_to_tell_apart} runs each to tell the two apart"


def loss_sentence(score: ScoreView) -> str:
    """Return where a score loses most against perfect unlearning; empty if that is not known."""
    parts = {
        "forgetting: its forgetting quality is {} of what perfect unlearning reaches": score.share_of_ceiling,
        "accuracy on the retain set: {} of the references'": score.retain_ratio,
        "accuracy on the test set: {} of the references'": score.test_ratio,
    }
    known = {sentence: value for sentence, value in parts.items() if value is not None}
    if len(known) < len(parts):
        return ""
    sentence = min(known, key=lambda each: known[each])
    most = "it loses most by" if known[sentence] < _LITTLE else "it loses little, most by"
    return f"{most} {sentence.format(percent(known[sentence]))}"


def _memory(memory: MemoryView) -> str:
    limit = f" of {memory.limit_bytes / MIB:.0f} MiB" if memory.limit_bytes is not None else ""
    return f"memory: at most {memory.peak_bytes / MIB:.0f} MiB seen{limit} a run"


def _time(time: TimeView) -> str:
    limit = f" of {time.limit_seconds:g} s" if time.limit_seconds is not None else ""
    sentence = f"time: {time.run_seconds:.1f} s{limit} a run"
    if time.processor_seconds is not None:
        sentence += f", {time.processor_seconds:.1f} s of processor time"
    if time.projected_runs is not None and time.projected_seconds is not None:
        sentence += f"; {time.projected_runs} runs take about {duration(time.projected_seconds)}"
    return sentence
