"""`unlearn score`: the score card of evaluations, or of outputs in files; several are compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.challenge.load import load_challenge
from runner.cli.console import print_json, stdout_console
from runner.cli.options import DEFAULT_STORE, MovedChallengeOption, StoreOption
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import write_atomic
from runner.reports.score_card import card_remarks, card_table, comparison_table
from runner.results.scoring import SCORE_WITHHELD, load_populations
from runner.sanitize import sanitize_line
from runner.store.paths import EvaluationPaths
from runner.store.store import Store
from runner.verdict import Verdict
from scoring.outputs import Outputs, check_comparable, load_outputs

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard
    from scoring.statistics.comparison import Comparison


Population = tuple[str, Outputs, float | None]
"""The name of a submission, the outputs of its runs, and how long retraining takes where they were done."""

_WIDTH = 130


def score_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EVALUATIONS]...", help="By the beginnings of their names."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    challenge: MovedChallengeOption = None,
    unlearned: Annotated[
        list[Path] | None,
        typer.Option(
            readable=False, help="Instead: an npz file with the outputs of unlearned models; may be repeated."
        ),
    ] = None,
    references: Annotated[
        Path | None, typer.Option(readable=False, help="And one with those of the references.")
    ] = None,
    retraining_seconds: Annotated[
        float | None,
        typer.Option(help="How long retraining takes, if the card is to say what part a run is."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Of all random halves and folds; drawn from the outputs if none is named.", min=0),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(readable=False, help="Write the card, as JSON, to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show the score card: the score, what it is worth, and what others would measure.

    Of several, each has its card, and then they are ranked, with ties where a difference is noise.
    docs/metrics.md says what each number means, and how a file of outputs looks.
    """
    if bool(names) == bool(unlearned):
        raise ConfigurationError("Name evaluations, or files with --unlearned and --references.")
    if bool(unlearned) != (references is not None):
        raise ConfigurationError("--unlearned and --references go together.")
    populations, base = (
        _of_files(unlearned or [], references)
        if references is not None
        else _of_store(store, names or [], challenge)
    )
    if out is not None and len(populations) > 1:
        raise ConfigurationError("--out takes the card of one; name one.")
    from scoring.card.make import CardOptions, score_card  # noqa: PLC0415 - imports scikit-learn

    cards = []
    for name, outputs, known in populations:
        try:
            asked = CardOptions(
                seed=seed, retraining_seconds=known if retraining_seconds is None else retraining_seconds
            )
            cards.append(score_card(outputs, base, asked))
        except ValueError as error:
            raise ConfigurationError(f"{sanitize_line(name, 60)} cannot be scored: {error}") from error
    if out is not None:
        write_atomic(out, cards[0].to_json().encode())
    compared = _compared(populations, base, cards[0].seed) if len(cards) > 1 else None
    _show([name for name, _outputs, _seconds in populations], cards, compared, as_json=as_json)


def _of_store(store: Path, names: list[str], challenge: Path | None) -> tuple[list[Population], Outputs]:
    """Return what evaluations of one challenge came to."""
    kept = Store.in_folder(store, create=False)
    found: list[Population] = []
    base: Outputs | None = None
    digest = ""
    for name in names:
        whole = kept.find(name)
        evaluation = next(one for one in kept.evaluations() if one["evaluation"] == whole)
        folder = challenge or kept.challenge_folder(whole)
        if folder is None:
            raise ConfigurationError(
                f"The challenge of evaluation {whole} is not to be found; name it with --challenge."
            )
        problem = load_challenge(folder)
        if digest and problem.sha256 != digest:
            raise ConfigurationError("Only evaluations of one challenge can be compared.")
        digest = problem.sha256
        runs = kept.runs(whole)
        failed = [run for run in runs if run.verdict is not Verdict.OK]
        if evaluation["summary"] is None or len(runs) < evaluation["n"]:
            raise ConfigurationError(f"Evaluation {whole} has not ended; repeat the command that began it.")
        if failed:
            raise ConfigurationError(
                f"Evaluation {whole} has no score: run {failed[0].index} ended as {failed[0].verdict}."
            )
        if problem.references is None:
            raise ConfigurationError(f"Evaluation {whole} has no score. {SCORE_WITHHELD}")
        outputs, base = load_populations(problem, runs, EvaluationPaths(folder=store / whole).outputs)
        found.append((str(evaluation["submission"]), outputs, kept.retraining_seconds(whole)))
    assert base is not None
    return found, base


def _of_files(unlearned: list[Path], references: Path) -> tuple[list[Population], Outputs]:
    """Return what files hold."""
    base = _read(references)
    found: list[Population] = []
    for file in unlearned:
        outputs = _read(file)
        try:
            check_comparable(outputs, base)
        except ValueError as error:
            raise ConfigurationError(f"{file} and {references} do not go together: {error}") from error
        found.append((file.stem, outputs, None))
    return found, base


def _read(file: Path) -> Outputs:
    try:
        return load_outputs(file)
    except ValueError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be read: {error.strerror or error}.") from error


def _compared(populations: list[Population], base: Outputs, seed: int) -> Comparison | str:
    """Return the comparison, or the sentence that says why there is none."""
    from scoring.statistics.comparison import ModelOutputs, compare  # noqa: PLC0415 - with the card, late

    one, *others = (
        ModelOutputs(confidences=outputs.confidences(), accuracies=outputs.accuracies())
        for outputs in (base, *(outputs for _name, outputs, _seconds in populations))
    )
    try:
        return compare(others, one, seed=seed)
    except ValueError as error:
        return str(error)


def _show(
    names: list[str], cards: list[ScoreCard], compared: Comparison | str | None, *, as_json: bool
) -> None:
    if as_json:
        from scoring.card.codec import encode  # noqa: PLC0415 - here only

        for name, card in zip(names, cards, strict=True):
            print_json({"submission": name, **encode(card)})
        if compared is not None:
            print_json({"comparison": encode(compared), "submissions": names})
        return
    out = stdout_console(_WIDTH)
    for name, card in zip(names, cards, strict=True):
        out.print(card_table(card, sanitize_line(name, 60)))
        for line in card_remarks(card):
            out.print(line)
    if isinstance(compared, str):
        out.print(f"They are not compared: {compared}", markup=False)
    elif compared is not None:
        out.print(comparison_table([sanitize_line(name, 60) for name in names], compared))
