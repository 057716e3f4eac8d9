"""`unlearn checkpoints`: what ``--keep-checkpoints all`` kept of evaluations in the folder of a store."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from runner.challenge.load import load_challenge
from runner.cli.console import print_json, print_note, stdout_console
from runner.cli.options import DEFAULT_STORE, EvaluationArgument, JsonOption, StoreOption
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import write_atomic
from runner.reports.cells import plain_text
from runner.reports.columns import REQUIRED, SUBMISSION_WIDTH, Column, fitted_table
from runner.results.torch_file import torch_file
from runner.store.checkpoints import KeptCheckpoint, kept_checkpoints, read_kept_checkpoint
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.removal import remove_checkpoints
from runner.store.store import Store
from runner.store.stored_evaluation import StoredEvaluation
from runner.units import size_text
from runner.wording import first_of, quantity

_SHOWN: Final = 12
"""Digits of a hash in the table."""


def list_checkpoints_command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[EVALUATION]",
            help="The beginning of its name, a submission's name or path, or `last`: list each checkpoint.",
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """List the checkpoints that evaluations kept, with their hashes and sizes.

    Without an EVALUATION there is a line for each that kept some.
    """
    with closing(open_store(store, create=False)) as opened:
        if name is None:
            _list_all(opened, store, as_json=as_json)
            return
        stored = opened.evaluation(opened.find(name))
        checkpoints = kept_checkpoints(opened, EvaluationPaths(folder=store / stored.id), stored.id)
    if as_json:
        for each in checkpoints:
            print_json({**_identity(stored), **_as_json(each)})
        return
    if checkpoints:
        console = stdout_console()
        console.print(_table_of(checkpoints, console.width))
    size = size_text(sum(each.bytes for each in checkpoints))
    _print(
        f"Evaluation {stored.id} of {stored.submission}: {quantity(len(checkpoints), 'checkpoint')}, {size}."
    )


def fetch_command(
    name: EvaluationArgument,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            readable=False,
            metavar="DIR",
            help="Folder for them; files in it are not replaced.",
        ),
    ],
    run: Annotated[
        list[int] | None,
        typer.Option("--run", "-r", metavar="INDEX", help="Only of these runs; may be repeated."),
    ] = None,
    file_format: Annotated[
        Literal["safetensors", "pt"],
        typer.Option(
            "--format",
            help="pt: as `torch.save` writes it, to be loaded with weights_only=True; on public challenges.",
        ),
    ] = "safetensors",
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Copy checkpoints of an evaluation into a folder, after checking their hashes.

    They hold weights that a stranger's code chose: load them as data only.
    """
    with closing(open_store(store, create=False)) as opened:
        stored = opened.evaluation(opened.find(name))
        if file_format == "pt":
            _require_public(opened, stored)
        paths = EvaluationPaths(folder=store / stored.id)
        chosen = _chosen(kept_checkpoints(opened, paths, stored.id), run, stored.id)
    files = {each.index: out / f"{stored.id}-{each.index:05d}.{file_format}" for each in chosen}
    if existing := [str(file) for file in files.values() if file.exists()]:
        raise ConfigurationError(f"{first_of(existing, 3)}: exists already; name another folder with --out.")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HostNotReadyError(f"{out} cannot be created: {error.strerror}.") from error
    for each in chosen:
        data = read_kept_checkpoint(paths, each)
        write_atomic(files[each.index], torch_file(data) if file_format == "pt" else data)
    _print(f"{quantity(len(chosen), 'checkpoint')} of evaluation {stored.id} in {out}")


def prune_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="EVALUATION...",
            help="The beginnings of their names, submissions' names or paths, or `last`.",
        ),
    ] = None,
    prune_all: Annotated[bool, typer.Option("--all", help="Of all evaluations in the store.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Remove the checkpoints of evaluations; runs, outputs and scores stay.

    Checkpoints whose outputs are still to be computed stay too.
    """
    if bool(names) == prune_all:
        raise ConfigurationError("Name evaluations whose checkpoints are to be removed, or give --all.")
    with closing(open_store(store, create=False)) as opened:
        evaluations = (
            [stored.id for stored in opened.evaluations()]
            if prune_all
            else list(dict.fromkeys(opened.find(name) for name in names or []))
        )
        removed = sum(remove_checkpoints(opened, store, evaluation) for evaluation in evaluations)
    _print(f"Removed {quantity(removed, 'checkpoint')}.")


def _list_all(opened: Store, folder: Path, *, as_json: bool) -> None:
    rows = [
        (stored, checkpoints)
        for stored in opened.evaluations()
        if (checkpoints := kept_checkpoints(opened, EvaluationPaths(folder=folder / stored.id), stored.id))
    ]
    if as_json:
        for stored, checkpoints in rows:
            size = sum(each.bytes for each in checkpoints)
            print_json({**_identity(stored), "checkpoints": len(checkpoints), "bytes": size})
        return
    console = stdout_console()
    if rows:
        names = [plain_text(stored.submission) for stored, _checkpoints in rows]
        numbers = [str(len(checkpoints)) for _stored, checkpoints in rows]
        sizes = [size_text(sum(each.bytes for each in checkpoints)) for _stored, checkpoints in rows]
        columns = [
            Column(
                title="evaluation", cells=[stored.id for stored, _checkpoints in rows], importance=REQUIRED
            ),
            Column(title="submission", cells=names, importance=2, shrinks_to=SUBMISSION_WIDTH),
            Column(title="checkpoints", cells=numbers, importance=REQUIRED, right=True),
            Column(title="size", cells=sizes, importance=REQUIRED, right=True),
        ]
        console.print(fitted_table(columns, console.width))
    total = size_text(sum(each.bytes for _stored, checkpoints in rows for each in checkpoints))
    _print(f"{quantity(len(rows), 'evaluation')} kept checkpoints, {total}, in {folder.absolute()}")
    if not rows:
        print_note("they are kept by: unlearn run --keep-checkpoints all")


def _table_of(checkpoints: list[KeptCheckpoint], width: int) -> object:
    columns = [
        Column(title="run", cells=[str(each.index) for each in checkpoints], importance=REQUIRED, right=True),
        Column(title="seed", cells=[str(each.seed) for each in checkpoints], importance=1, right=True),
        Column(title="verdict", cells=[str(each.verdict) for each in checkpoints], importance=2),
        Column(title="size", cells=[size_text(each.bytes) for each in checkpoints], importance=3, right=True),
        Column(title="SHA-256", cells=[each.sha256[:_SHOWN] for each in checkpoints], importance=REQUIRED),
        Column(
            title="",
            cells=["" if each.is_evaluated else "needed" for each in checkpoints],
            importance=REQUIRED,
        ),
    ]
    return fitted_table(columns, width)


def _chosen(
    checkpoints: list[KeptCheckpoint], runs: list[int] | None, evaluation: str
) -> list[KeptCheckpoint]:
    """Return the checkpoints of some runs; of all if None."""
    by_index = {each.index: each for each in checkpoints}
    missing = [str(index) for index in runs or () if index not in by_index]
    if missing or not checkpoints:
        of = f" of run {first_of(missing, 5)}" if missing else ""
        raise ConfigurationError(
            f"Evaluation {evaluation} has no checkpoint{of}; they are kept by: unlearn run "
            "--keep-checkpoints all"
        )
    return checkpoints if not runs else [by_index[index] for index in sorted(set(runs))]


def _require_public(opened: Store, stored: StoredEvaluation) -> None:
    """Refuse a format for people's own experiments where results count.

    Raises:
        ConfigurationError: the evaluation is an entry's, or on a private challenge, or that is not known.
    """
    instead = "leave out --format pt, and read them with safetensors"
    if opened.entry_with_evaluation(stored.id) is not None:
        raise ConfigurationError(f"Evaluation {stored.id} is the result of a competition's entry: {instead}.")
    if stored.challenge_folder is None:
        raise ConfigurationError(f"Where the challenge of {stored.id} was is not recorded: {instead}.")
    challenge = load_challenge(stored.challenge_folder)
    if challenge.sha256 != stored.challenge_sha256:
        raise ConfigurationError(f"{stored.challenge_folder} holds another challenge by now: {instead}.")
    if challenge.description.visibility != "public":
        raise ConfigurationError(f"The challenge {stored.challenge} is private: {instead}.")


def _identity(stored: StoredEvaluation) -> dict[str, Any]:
    return {"evaluation": stored.id, "submission": stored.submission}


def _as_json(checkpoint: KeptCheckpoint) -> dict[str, Any]:
    return {
        "run": checkpoint.index,
        "seed": checkpoint.seed,
        "verdict": str(checkpoint.verdict),
        "bytes": checkpoint.bytes,
        "checkpoint_sha256": checkpoint.sha256,
        "is_evaluated": checkpoint.is_evaluated,
    }


def _print(text: str) -> None:
    stdout_console().print(plain_text(text, 1000), soft_wrap=True)
