"""`unlearn score`: the score card of evaluations, or of outputs in files; several are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli.console import print_error, print_json, print_note, stdout_console
from runner.cli.interface.comparison_page import write_comparison_page
from runner.cli.interface.output_file import OverwriteOption, check_output_file
from runner.cli.interface.report_page import check_page_file
from runner.cli.options import DEFAULT_STORE, MovedChallengeOption, StoreOption
from runner.cli.participant.stored_view import find_to_compare
from runner.errors import ConfigurationError
from runner.files import write_atomic
from runner.reports.score_card import card_remarks, card_table, card_title, comparison_table
from runner.results.population import Population, compare_populations, populations_of_files, stored_population
from runner.sanitize import sanitize_line
from runner.store.open_store import open_store

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard
    from scoring.statistics.comparison import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class _Requested:
    """Options of the card, where they differ from the stored card's."""

    seed: int | None
    retraining_seconds: float | None

    @property
    def is_default(self) -> bool:
        return self.seed is None and self.retraining_seconds is None


def score_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="EVALUATION...",
            help="As for show: beginnings of names, submissions, or last.",
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    challenge: MovedChallengeOption = None,
    unlearned: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Instead: an npz file with the outputs of unlearned models; may be repeated.",
        ),
    ] = None,
    references: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="An npz file with the outputs of the references; goes with --unlearned.",
        ),
    ] = None,
    retraining_seconds: Annotated[
        float | None,
        typer.Option(help="How long retraining takes; run times are compared with it."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of all random halves and folds; derived from the outputs by default.", min=0),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="Write the card, as JSON, to this file."),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show the score card: the score, what it is worth, and what others would measure.

    Several evaluations get a card each and are ranked; a difference within the noise is a tie. One that ended
    without a score is listed below them, unranked, and the exit code is 1.
    docs/metrics.md defines each number, and the format of a file of outputs.
    """
    if bool(names) == bool(unlearned):
        raise ConfigurationError("Name evaluations, or files with --unlearned and --references.")
    if bool(unlearned) != (references is not None):
        raise ConfigurationError("--unlearned and --references go together.")
    if out is not None:
        check_output_file(out, suffixes=(".json",), overwrite=overwrite)
    requested = _Requested(seed=seed, retraining_seconds=retraining_seconds)
    if references is not None:
        populations = populations_of_files(unlearned or [], references)
    else:
        populations = _stored(names or [], store, challenge)
    try:
        _show_all(populations, requested, out=out, as_json=as_json)
    finally:
        if names:
            command = f"compare {' '.join(names)}" if len(names) > 1 else f"show {names[0]} --card"
            print_note(f"unlearn score is now, for evaluations: unlearn {command}")


def compare_command(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="EVALUATION...",
            help="The beginnings of their names, submissions' names or paths, or `last`.",
            show_default=False,
        ),
    ],
    store: StoreOption = DEFAULT_STORE,
    challenge: MovedChallengeOption = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of all random halves and folds; derived from the outputs by default.", min=0),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            readable=False,
            help="Also write them side by side to this file, a page.",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Rank evaluations of one challenge; a difference within the noise is a tie.

    Prints the score card of each, then the ranks. Evaluations without a score are listed below, unranked, and
    make the exit code 1.
    """
    if len(set(names)) < 2:
        raise ConfigurationError("Name at least two evaluations; the card of one: unlearn show --card")
    if html is not None:
        check_page_file(html, overwrite=overwrite)
    requested = _Requested(seed=seed, retraining_seconds=None)
    store, names = find_to_compare(names, store)
    populations = _stored(names, store, challenge)
    page = None if html is None else partial(write_comparison_page, html, store=store)
    _show_all(populations, requested, out=None, page=page, as_json=as_json)


def show_cards(
    names: Sequence[str],
    store: Path,
    challenge: Path | None,
    *,
    out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Show the score cards of evaluations in a store, or write that of one to a file.

    Raises:
        ConfigurationError: one cannot be scored, or the file must not be written.
        typer.Exit: one ended without a score.
    """
    if out is not None:
        check_output_file(out, suffixes=(".json",), overwrite=overwrite)
    requested = _Requested(seed=None, retraining_seconds=None)
    _show_all(_stored(names, store, challenge), requested, out=out, as_json=as_json)


def _stored(names: Sequence[str], store: Path, challenge: Path | None) -> list[Population]:
    opened = open_store(store, create=False)
    populations = [stored_population(opened, store, opened.find(name), challenge) for name in names]
    if len({population.challenge_sha256 for population in populations}) > 1:
        raise ConfigurationError("Only evaluations of one challenge can be compared.")
    return populations


def _show_all(
    populations: Sequence[Population],
    requested: _Requested,
    *,
    out: Path | None,
    as_json: bool,
    page: Callable[..., None] | None = None,
) -> None:
    """Show the cards of populations, and their ranks; those without a score below them.

    ``page`` writes them to a file, too.

    Raises:
        typer.Exit: one has no score.
    """
    if out is not None and len(populations) > 1:
        raise ConfigurationError("--out takes the card of one evaluation; name one.")
    scored = [population for population in populations if not population.no_score]
    failed = [population for population in populations if population.no_score]
    cards = [_card(population, requested) for population in scored]
    if out is not None and cards:
        write_atomic(out, cards[0].to_json().encode())
    compared = compare_populations(scored, seed=cards[0].seed) if len(cards) > 1 else None
    if page is not None:
        page(scored, cards, compared, failed=failed)
    _show([population.name for population in scored], cards, compared, requested, as_json=as_json)
    _show_failed(failed, as_json=as_json, below=bool(cards))
    if failed:
        raise typer.Exit(1)


def _card(population: Population, requested: _Requested) -> ScoreCard:
    """Return the stored card, or a new one where none is stored or other options are requested."""
    if requested.is_default and (stored := population.stored_card()) is not None:
        return stored
    try:
        return population.new_card(seed=requested.seed, retraining_seconds=requested.retraining_seconds)
    except ValueError as error:
        name = sanitize_line(population.name, 60)
        raise ConfigurationError(f"{name} cannot be scored: {error}") from error


def _show_failed(failed: list[Population], *, as_json: bool, below: bool) -> None:
    """Show the evaluations without a score: ``below`` those that are ranked, or alone on stderr."""
    for population in failed:
        name, reason = sanitize_line(population.name, 60), sanitize_line(population.no_score)
        sentence = f"{name} (evaluation {population.evaluation}) earned no score: {reason}."
        if as_json:
            values = {"evaluation": population.evaluation, "score": None, "reason": population.no_score}
            print_json({"submission": population.name, **values})
        elif below:
            stdout_console().print(sentence, markup=False, soft_wrap=True, style="red")
        else:
            print_error(sentence)


def _show(
    names: list[str],
    cards: list[ScoreCard],
    compared: Comparison | str | None,
    requested: _Requested,
    *,
    as_json: bool,
) -> None:
    if as_json:
        from scoring.card.codec import encode  # noqa: PLC0415 - here only

        for name, card in zip(names, cards, strict=True):
            print_json({"submission": name, **encode(card)})
        if compared is not None:
            print_json({"comparison": encode(compared), "submissions": names})
        return
    out = stdout_console()
    for name, card in zip(names, cards, strict=True):
        out.print(card_title(card, sanitize_line(name, 60)), soft_wrap=True)
        out.print(card_table(card))
        for line in card_remarks(card, run_time_requested=requested.retraining_seconds is not None):
            out.print(line, soft_wrap=True)
    if isinstance(compared, str):
        out.print(f"They are not compared: {compared}", markup=False, soft_wrap=True)
    elif compared is not None:
        out.print(comparison_table([sanitize_line(name, 60) for name in names], cards, compared, out.width))
