"""`unlearn leaderboard`: who stands where on a challenge, in a terminal, as pages, CSV or JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Final

import typer

from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, parse_description
from runner.challenge.layout import DESCRIPTION_BYTES, DESCRIPTION_FILE
from runner.challenge.load import load_challenge
from runner.cli.console import print_json, print_note, stderr_console, stdout_console
from runner.cli.interface.output_file import check_output_file
from runner.cli.list import on_challenge
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.cli.organizer.board_pages import ReportSource, board_files
from runner.errors import ConfigurationError
from runner.files import read_stored_file, write_atomic
from runner.leaderboard.audience import visible_board
from runner.leaderboard.board import make_board
from runner.leaderboard.model import Board
from runner.leaderboard.spreadsheet import board_csv
from runner.leaderboard.stored.halves import halving_seed
from runner.leaderboard.stored.rows import ChallengeSource, stored_candidates
from runner.leaderboard.stored.site import check_site_folder, write_site
from runner.leaderboard.terminal import board_lines
from runner.progress import ConsoleReporter
from runner.results.view import MIN_SCORED_RUNS
from runner.store.entries.records import Entry
from runner.store.open_store import open_store
from runner.store.paths import unlisted_sentence
from runner.store.store import Store
from runner.store.stored_evaluation import StoredEvaluation
from runner.wording import quantity

_SEEDS: Final = 1 << 32


def leaderboard_command(
    challenge: Annotated[
        str | None,
        typer.Option(
            "--challenge",
            "-c",
            metavar="CHALLENGE",
            help="Folder of the challenge, its name, or the beginning of its hash; "
            "not needed where the store has one.",
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EVALUATION",
            help="A known method: shown where it would stand, without a rank; may be repeated.",
        ),
    ] = None,
    participant: Annotated[
        bool, typer.Option("--participant", help="What everybody may see, by the feedback policy.")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            readable=False,
            help="Write pages into this folder, in place of those that are there: index.html and reports.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", readable=False, help="Write a CSV file, with all figures as stored."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --csv.")] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of all random halves; derived from the references by default.",
            min=0,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Rank the submissions on a challenge; rows that the noise cannot tell apart share their ranks.

    Rows that differ in number of runs, image, limits, isolation, runtime, device or version of the scorer are
    in tables of their own. What failed or is not valid is listed below, with the reason. What is compared is
    computed once and stored.
    """
    if as_json and (html is not None or csv is not None):
        raise ConfigurationError("--json prints what --html and --csv write; name it alone.")
    if overwrite and csv is None:
        raise ConfigurationError("--overwrite goes with --csv; --html replaces what it wrote earlier.")
    if seed is not None and seed >= _SEEDS:
        raise ConfigurationError("--seed must be below 2^32.")
    if csv is not None:
        check_output_file(csv, suffixes=(".csv",), overwrite=overwrite, option="--csv")
    if html is not None:
        check_site_folder(html)
    with closing(open_store(store, create=False)) as opened:
        selected = _selected(opened, store, challenge)
        board = _board(opened, store, selected, baseline or [], seed)
        board = visible_board(board, "public" if participant else "organizer")
        if html is not None:
            _write_pages(html, board, opened, store, selected.folder)
    if as_json:
        print_json(board.model_dump(mode="json"))
        return
    out = stdout_console()
    if html is not None:
        out.print(f"Leaderboard: {html / 'index.html'}", markup=False, soft_wrap=True)
    if csv is not None:
        write_atomic(csv, board_csv(board))
        print_note(f"{quantity(len(board.all_rows()), 'row')} in {csv}")
    if html is None and csv is None:
        for line in board_lines(board, out.width):
            out.print(line)


def _write_pages(html: Path, board: Board, opened: Store, folder: Path, challenge: Path | None) -> None:
    with ConsoleReporter(stderr_console()) as reporter:
        source = ReportSource(store=opened, folder=folder, challenge=challenge, reporter=reporter)
        files = board_files(board, source)
        new = write_site(html, files)
    print_note(f"{quantity(len(files), 'page')}, {new} of them new")


def _board(
    opened: Store, folder: Path, selected: _Selected, baselines: Sequence[str], seed: int | None
) -> Board:
    """Return the board of a challenge for organizers; compute and store what is missing."""
    if remark := unlisted_sentence(folder, {stored.id for stored in opened.evaluations()}):
        print_note(remark)
    known = {opened.find(name) for name in baselines}
    if strange := sorted(known - {stored.id for stored in selected.evaluations}):
        raise ConfigurationError(f"Evaluation {strange[0]} is not on this challenge, so it is no baseline.")
    scored: dict[str, list[StoredEvaluation]] = {}
    for stored in selected.evaluations:
        if stored.n >= MIN_SCORED_RUNS and stored.summary and stored.summary.get("score") is not None:
            scored.setdefault(stored.challenge_sha256, []).append(stored)
    sources = {sha256: _source(group, selected.folder, seed) for sha256, group in scored.items()}
    with ConsoleReporter(stderr_console()) as reporter:
        candidates = stored_candidates(
            opened,
            folder,
            selected.evaluations,
            selected.entries,
            baselines=known,
            sources=sources,
            reporter=reporter,
        )
    seeds = {source.seed for source in sources.values()}
    return make_board(candidates, challenge=selected.name, seed=seeds.pop() if len(seeds) == 1 else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Selected:
    """The evaluations and entries of a challenge."""

    name: str
    """Of the challenge."""
    folder: Path | None
    """Of the challenge, if it was named."""
    evaluations: list[StoredEvaluation]
    entries: list[Entry]


def _selected(opened: Store, folder: Path, challenge: str | None) -> _Selected:
    """Return what is on a challenge.

    Raises:
        ConfigurationError: nothing is, or none was named and there are several.
    """
    evaluations, entries = opened.evaluations(), opened.entries()
    begun = {item.id for item in evaluations}
    loose = [entry for entry in entries if entry.evaluation not in begun]  # refused, or lost before it began
    if challenge is None:
        names = {item.challenge_sha256: item.challenge for item in evaluations}
        names |= {entry.challenge_sha256: entry.challenge for entry in loose}
        if len(names) > 1:
            listed = ", ".join(f"{name} ({sha256[:12]})" for sha256, name in sorted(names.items()))
            raise ConfigurationError(f"The store has several challenges; name one with --challenge: {listed}")
        return _Selected(
            name=next(iter(names.values()), ""), folder=None, evaluations=evaluations, entries=entries
        )
    named, place = Path(challenge), None
    if (named / DESCRIPTION_FILE).is_file():
        place, sha256 = named.absolute(), _description(named)[1]
        evaluations = [item for item in evaluations if item.challenge_sha256 == sha256]
        loose = [item for item in loose if item.challenge_sha256 == sha256]
        if not evaluations and not loose:
            raise ConfigurationError(f"No evaluation in {folder.absolute()} is on the challenge at {named}.")
    else:
        evaluations, loose = on_challenge(folder, evaluations, loose, challenge)
    ids = {item.id for item in evaluations}
    return _Selected(
        name=evaluations[0].challenge if evaluations else loose[0].challenge,
        folder=place,
        evaluations=evaluations,
        entries=[*(entry for entry in entries if entry.evaluation in ids), *loose],
    )


def _source(
    evaluations: Sequence[StoredEvaluation], folder: Path | None, seed: int | None
) -> ChallengeSource:
    """Return the challenge of evaluations: at ``folder``, or where one of them recorded it.

    Raises:
        ConfigurationError: it is not there; where the seed was named, only `load` raises that.
    """
    sha256 = evaluations[0].challenge_sha256
    recorded = [stored.challenge_folder for stored in evaluations if stored.challenge_folder is not None]
    places = [folder] if folder is not None else list(dict.fromkeys(recorded))
    place = next((each for each in places if _is_challenge(each, sha256)), None)
    where = f"at {places[0]}" if places else "recorded"
    not_there = (
        f"The challenge of evaluation {evaluations[0].id} ({sha256[:12]}) is not {where}; "
        "name its folder with --challenge."
    )

    @cache
    def load() -> Challenge:
        if place is None:
            raise ConfigurationError(not_there)
        challenge = load_challenge(place)
        if challenge.sha256 != sha256:
            raise ConfigurationError(not_there)
        return challenge

    if seed is None:
        if place is None:
            raise ConfigurationError(not_there)
        seed = halving_seed(_description(place)[0])
    return ChallengeSource(seed=seed, load=load)


def _is_challenge(folder: Path, sha256: str) -> bool:
    return (folder / DESCRIPTION_FILE).is_file() and _description(folder)[1] == sha256


def _description(folder: Path) -> tuple[Description, str]:
    """Return the description of a challenge, and its hash."""
    file = folder / DESCRIPTION_FILE
    try:
        text = read_stored_file(file, max_bytes=DESCRIPTION_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}.") from error
    return parse_description(file, text), hashlib.sha256(text).hexdigest()
