"""What is said of entries: under which names, whose copies, how many of each outcome. Names are sanitized."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from runner.results.view import OTHER_SUBMISSION, SCHEMA_VERSION
from runner.sanitize import sanitize_line
from runner.store.entries.records import Entry, Outcome
from runner.wording import first_of, noun_for, quantity

if TYPE_CHECKING:  # they import pydantic, which `unlearn list` does without
    from runner.results.entry_result import EntryResult
    from runner.results.summary import Summary

_NAMED: Final = 5
"""Names on one line, before it says how many more there are."""
_UNSCORED: Final = {"smoke-test": "smoke test", "judged": "judged"}
"""What is successful without a score, by the summary's status."""


def time_text(moment: datetime, now: datetime | None = None) -> str:
    """Return a local time: of today without the date.

    Args:
        moment: With its zone.
        now: With its zone; the present by default.
    """
    here = moment.astimezone()
    today = (now.astimezone() if now is not None else datetime.now().astimezone()).date()
    return f"{here:%H:%M}" if here.date() == today else f"{here:%Y-%m-%d %H:%M}"


def entry_line(entry: Entry, now: datetime | None = None) -> str:
    """Return an entry on one line: number, name, time, path."""
    path = f", {sanitize_line(entry.path, 200)}" if entry.path is not None else ""
    return f"entry {entry.id}: {_name(entry.name)}, {time_text(entry.received, now)}{path}"


def names_by_evaluation(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the names of the entries that share an evaluation, by the evaluation."""
    names: dict[str, list[str]] = {}
    for entry in entries:
        if entry.evaluation is not None:
            names.setdefault(entry.evaluation, []).append(_name(entry.name))
    return {evaluation: _some(each) for evaluation, each in names.items()}


def refused_lines(entries: Iterable[Entry], most: int = _NAMED) -> list[str]:
    """Return a line for each of the newest entries that were refused, and how many more there are.

    One whose path has a later entry is left out.
    """
    newest = {(entry.path, entry.folder): entry for entry in entries}
    refused = [entry for entry in newest.values() if entry.outcome is Outcome.REFUSED]
    refused.sort(key=lambda entry: entry.id)
    lines = [
        f"{_name(entry.name)}: refused {time_text(entry.received)}: {sanitize_line(entry.reason or '')}"
        for entry in refused[-most:]
    ]
    if len(refused) > most:
        earlier = len(refused) - most
        were = noun_for(earlier, "entry was", "entries were")
        lines.append(f"{earlier} earlier {were} refused too; --json lists them")
    return lines


def named_summaries(results: Iterable[EntryResult]) -> list[Summary]:
    """Return the summaries, each under the name of its entry."""
    return [result.summary.model_copy(update={"submission": result.entry.name}) for result in results]


def group_copies(summaries: Sequence[Summary]) -> tuple[list[Summary], list[str]]:
    """Return the summaries without warnings of equal checkpoints, and one line for each group of them.

    A warning of a summary that belongs to no group of those shown stays as it is.
    """
    groups = _copies([(each.submission, each.evaluation, each.equal_evaluations) for each in summaries])
    grouped = {evaluation for group in groups for evaluation in group.values()}
    rest = [
        summary.model_copy(
            update={"warnings": [text for text in summary.warnings if OTHER_SUBMISSION not in text]}
        )
        if summary.evaluation in grouped
        else summary
        for summary in summaries
    ]
    return rest, _copies_lines(groups)


def copies_lines(evaluations: Sequence[tuple[str, str, Sequence[str]]]) -> list[str]:
    """Return a line for each group of evaluations that have equal checkpoints.

    Args:
        evaluations: The submission's name, the evaluation's name, and the names of those with equal ones.
    """
    return _copies_lines(_copies(evaluations))


def _copies(evaluations: Sequence[tuple[str, str, Sequence[str]]]) -> list[dict[str, str]]:
    """Return groups of at least two evaluations: their evaluations' names, by how they are shown."""
    group_of = {name: name for _, evaluation, equal in evaluations if equal for name in (evaluation, *equal)}

    def root(evaluation: str) -> str:
        while group_of[evaluation] != evaluation:
            evaluation = group_of[evaluation]
        return evaluation

    for _, evaluation, equal in evaluations:
        for other in equal:
            group_of[root(other)] = root(evaluation)
    groups: dict[str, dict[str, str]] = {}
    for submission, evaluation, _ in evaluations:
        if evaluation in group_of:
            shown = f"{_name(submission)} ({evaluation})"
            groups.setdefault(root(evaluation), {})[shown] = evaluation
    return [group for group in groups.values() if len(set(group.values())) > 1]


def _copies_lines(groups: Iterable[Mapping[str, str]]) -> list[str]:
    return [f"equal checkpoints: {_some(list(group))}" for group in groups]


def result_lines(
    results: Sequence[EntryResult],
    *,
    keep_going: bool,
    may_repeat: bool = False,
    now: datetime | None = None,
) -> list[str]:
    """Return what else is to be said of a command's entries, on one line for each kind.

    Args:
        results: In the order of the command.
        keep_going: Whether all runs were to be executed, even after one had failed.
        may_repeat: Whether the command could evaluate again what has ended.
        now: The present by default.
    """
    lines = []
    copies: dict[int, list[EntryResult]] = {}
    for result in results:
        if result.same_as is not None:
            copies.setdefault(result.same_as.id, []).append(result)
    for group in copies.values():
        same = group[0].same_as
        assert same is not None, "results without it are in no group"
        names = _some([_name(result.entry.name) for result in group])
        lines.append(f"{names}: same content as {_name(same.name)} ({time_text(same.received, now)})")
    stopped = [result for result in results if result.outcome is Outcome.FAILED and _has_stopped(result)]
    if stopped and not keep_going:
        names = _some([_name(result.entry.name) for result in stopped])
        lines.append(f"{names}: stopped after the first failure; --keep-going executes all runs")
    earlier = [
        f"{_name(result.entry.name)} (evaluated {time_text(result.evaluated_at, now)})"
        for result in results
        if result.evaluated_at is not None
    ]
    if earlier:
        lines.append(f"not run again: {_some(earlier)}{'; --again repeats them' if may_repeat else ''}")
    return lines


def ended_line(result: EntryResult, number: int, total: int) -> str:
    """Return how the entry ``number`` of ``total`` ended, for whoever waits for the others."""
    summary = result.summary
    if result.outcome is Outcome.SCORED:
        status = _UNSCORED.get(summary.status, "scored")
        score = f" {summary.score:.4f}" if status == "scored" and summary.score is not None else ""
    else:
        status, score = str(result.outcome), ""
    reason = f" ({sanitize_line(summary.reason, 200)})" if summary.reason else ""
    return f"{number} of {total}: {_name(result.entry.name)}: {status}{score}{reason}"


def counts_line(results: Sequence[EntryResult]) -> str:
    """Return how many entries had which outcome, as ``3 submissions: 2 scored, 1 failed``."""
    kinds = [
        _UNSCORED.get(result.summary.status, "scored")
        if result.outcome is Outcome.SCORED
        else str(result.outcome)
        for result in results
    ]
    order = ("scored", "smoke test", "judged", "failed", "held", "refused")
    counts = [
        quantity(kinds.count(kind), kind) if kind == "smoke test" else f"{kinds.count(kind)} {kind}"
        for kind in order
        if kind in kinds
    ]
    return f"{quantity(len(results), 'submission')}: {', '.join(counts)}"


def entries_json(entries: Iterable[Entry]) -> list[Mapping[str, object]]:
    """Return the JSON objects of an evaluation's entries."""
    return [entry.to_json() for entry in entries]


def refused_json(entry: Entry) -> Mapping[str, object]:
    """Return the JSON object of an entry that was refused, which is in no evaluation's."""
    return {
        "schema_version": SCHEMA_VERSION,
        **entry.to_json(),
        "status": str(Outcome.REFUSED),
        "summary": None,
    }


def _has_stopped(result: EntryResult) -> bool:
    return 0 < sum(result.summary.verdicts.values()) < result.summary.n


def _name(name: str) -> str:
    return sanitize_line(name, 60)


def _some(names: Sequence[str]) -> str:
    """Return the first names, each once, and how many more there are."""
    return first_of(dict.fromkeys(names), _NAMED)
