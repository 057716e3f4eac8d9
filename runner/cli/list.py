"""`unlearn list`: the evaluations of a store. It imports little, because it is typed often."""

from __future__ import annotations

from pathlib import Path

from runner.cli.console import print_json, print_note, stdout_console
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.reports.cells import needed_image, plain_text
from runner.reports.scores import score_remarks, score_table
from runner.results.summary import Summary
from runner.store.listing import read_listing
from runner.store.paths import unlisted_sentence
from runner.store.stored_evaluation import StoredEvaluation


def list_command(store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """List all evaluations of a store with their scores."""
    evaluations = _evaluations(store)
    if remark := unlisted_sentence(store, {stored.id for stored in evaluations}):
        print_note(remark)
    if as_json:
        for stored in evaluations:
            print_json(
                {
                    "evaluation": stored.id,
                    "submission": stored.submission,
                    "challenge": stored.challenge,
                    "n": stored.n,
                    "begun": stored.started_at.isoformat(),
                    "image": stored.image,
                    "summary": stored.summary,
                }
            )
        return
    summaries = [Summary.from_json(stored.summary) for stored in evaluations if stored.summary is not None]
    out = stdout_console()
    out.print(score_table(summaries, out.width))
    for line in score_remarks(summaries):
        out.print(line)
    for stored in evaluations:
        if stored.summary is None:
            out.print(
                plain_text(f"{stored.submission}: not finished ({stored.id}). {needed_image(stored.image)}")
            )


def _evaluations(store: Path) -> list[StoredEvaluation]:
    listing = read_listing(store)
    if listing is not None:
        return listing
    from runner.store.open_store import open_store  # noqa: PLC0415 - imports SQLAlchemy, slower than all the rest

    return open_store(store, create=False).evaluations()
