"""`unlearn list`: the evaluations of a store. It imports little, because it is typed often."""

from __future__ import annotations

from pathlib import Path

from runner.cli.console import print_json, print_note, stdout_console
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.reports.cells import needed_image, plain_text
from runner.reports.entries import entries_json, group_copies, names_by_evaluation, refused_lines
from runner.reports.scores import score_remarks, score_table
from runner.results.summary import SCHEMA_VERSION, Summary
from runner.store.entries.records import Entry, Outcome
from runner.store.listing import read_entry_listing, read_listing
from runner.store.paths import unlisted_sentence
from runner.store.stored_evaluation import StoredEvaluation


def list_command(store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """List all evaluations of a store with their scores."""
    evaluations, entries = _evaluations(store)
    names = names_by_evaluation(entries)
    if remark := unlisted_sentence(store, {stored.id for stored in evaluations}):
        print_note(remark)
    if as_json:
        for stored in evaluations:
            print_json(
                {
                    "schema_version": SCHEMA_VERSION,
                    "evaluation": stored.id,
                    "submission": stored.submission,
                    "entries": entries_json(entry for entry in entries if entry.evaluation == stored.id),
                    "challenge": stored.challenge,
                    "n": stored.n,
                    "begun": stored.started_at.isoformat(),
                    "image": stored.image,
                    "summary": stored.summary,
                }
            )
        for entry in entries:
            if entry.outcome is Outcome.REFUSED:
                print_json({"schema_version": SCHEMA_VERSION, **entry.to_json(), "summary": None})
        return
    summaries = [
        Summary.from_json({**stored.summary, "submission": names.get(stored.id, stored.submission)})
        for stored in evaluations
        if stored.summary is not None
    ]
    summaries, copies = group_copies(summaries)
    out = stdout_console()
    out.print(score_table(summaries, out.width))
    for line in (*score_remarks(summaries), *map(plain_text, (*copies, *refused_lines(entries)))):
        out.print(line)
    for stored in evaluations:
        if stored.summary is None:
            out.print(
                plain_text(f"{stored.submission}: not finished ({stored.id}). {needed_image(stored.image)}")
            )


def _evaluations(store: Path) -> tuple[list[StoredEvaluation], list[Entry]]:
    evaluations, entries = read_listing(store), read_entry_listing(store)
    if evaluations is not None and entries is not None:
        return evaluations, entries
    from runner.store.open_store import open_store  # noqa: PLC0415 - imports SQLAlchemy, slower than all the rest

    opened = open_store(store, create=False)
    return opened.evaluations(), opened.entries()
