"""A comparison of evaluations as a file: `unlearn compare --html`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from runner.results.population import Population
from runner.store.open_store import open_store

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard
    from scoring.statistics.comparison import Comparison


def write_comparison_page(
    file: Path,
    scored: Sequence[Population],
    cards: Sequence[ScoreCard],
    compared: Comparison | str | None,
    *,
    failed: Sequence[Population],
    store: Path,
) -> None:
    """Write the page of a comparison.

    Args:
        file: Is replaced if it exists.
        scored: Evaluations with a score.
        cards: Of these.
        compared: Ranks of these, or why there are none.
        failed: Evaluations without a score.
        store: Folder of the store that has them all.

    Raises:
        HostNotReadyError: the file cannot be written.
    """
    # they import jinja2, matplotlib and the scorer
    from runner.pages.comparison import comparison_page  # noqa: PLC0415
    from runner.pages.write import write_page  # noqa: PLC0415
    from runner.reports.views.comparison import ComparedInput, comparison_view  # noqa: PLC0415
    from runner.reports.views.report_make import limits_of  # noqa: PLC0415

    with closing(open_store(store, create=False)) as opened:
        inputs = [
            ComparedInput(
                name=population.name,
                evaluation=population.evaluation,
                card=card,
                runs=opened.runs(population.evaluation),
                limits=limits_of(opened, store, population.evaluation),
            )
            for population, card in zip(scored, cards, strict=True)
        ]
        first = [*scored, *failed][0]
        challenge = opened.evaluation(first.evaluation).challenge
    unscored = [(each.name, each.evaluation, each.no_score) for each in failed]
    view = comparison_view(inputs, compared, challenge=challenge, unscored=unscored)
    write_page(file, comparison_page(view))
