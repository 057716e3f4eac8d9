"""The models of one submission and the references they are scored against, from a store or from files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import UnexpectedFileError, free_memory_bytes, read_stored_file
from runner.results.card_file import read_card
from runner.results.continuing import how_to_continue
from runner.results.controls import recorded_controls
from runner.results.scoring import (
    SCORE_WITHHELD,
    card_options,
    load_control_populations,
    load_populations,
)
from runner.results.summarize import failure_reason
from runner.store.paths import EvaluationPaths
from runner.store.records import RetrainingRecord
from runner.store.store import Store
from runner.store.stored_evaluation import StoredEvaluation
from runner.units import size_text
from runner.verdict import Verdict
from scoring.outputs import Outputs, check_comparable, load_outputs

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard
    from scoring.statistics.comparison import Comparison

_MAX_FILE_BYTES: Final = 1 << 40
"""Of a file that an operator names; free memory is the limit that applies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """The unlearned models of one submission, and the references; loaded when they are needed."""

    name: str
    """Of the submission."""
    challenge_sha256: str
    load: Callable[[], tuple[Outputs, Outputs]]
    """Returns the outputs of the unlearned models and of the references."""
    retraining: RetrainingRecord = field(default_factory=RetrainingRecord)
    """What retraining takes where the runs were executed."""
    load_controls: Callable[[], list[tuple[Outputs, Outputs]]] = list
    """The same for each control problem of the challenge."""
    stored_card: Callable[[], ScoreCard | None] = lambda: None
    """Returns the card that was stored when the evaluation ended, if it is intact."""
    evaluation: str = ""
    """Name of the evaluation; empty for outputs in a file."""
    no_score: str = ""
    """Why the submission earned no score; empty if it can be scored."""

    def new_card(self, *, seed: int | None, retraining_seconds: float | None) -> ScoreCard:
        """Compute the card; with ``retraining_seconds``, run times are compared with those by the clock.

        Raises:
            ValueError: the outputs cannot be scored.
        """
        from scoring.card.make import score_card  # noqa: PLC0415 - imports scikit-learn

        retraining = self.retraining
        if retraining_seconds is not None:
            retraining = RetrainingRecord(seconds=retraining_seconds, fraction=retraining.fraction)
        unlearned, references = self.load()
        return score_card(
            unlearned,
            references,
            card_options(retraining, seed=seed),
            controls=self.load_controls,
        )


def stored_population(store: Store, folder: Path, evaluation: str, challenge: Path | None) -> Population:
    """Return the population of an evaluation that has ended.

    Args:
        store: The store that records it.
        folder: Of the store.
        evaluation: Its whole name.
        challenge: Where the challenge is now; None for where it was.

    Raises:
        ConfigurationError: the evaluation has not ended, or its score is withheld.
    """
    stored = store.evaluation(evaluation)
    runs = store.runs(evaluation)
    failed = [run for run in runs if run.verdict is not Verdict.OK]
    if stored.summary is None or (len(runs) < stored.n and not failed):
        how = how_to_continue(stored, store.entries_of(evaluation), folder)
        raise ConfigurationError(f"Evaluation {evaluation} has not ended; {how}")
    if stored.summary.get("score_withheld"):
        raise ConfigurationError(f"Evaluation {evaluation} has no score. {SCORE_WITHHELD}")
    paths = EvaluationPaths(folder=folder / evaluation)

    def loaded() -> Challenge:
        problem = load_challenge(_challenge_folder(stored, challenge))
        if problem.sha256 != stored.challenge_sha256:
            raise ConfigurationError(
                f"{problem.folder} is not the challenge of evaluation {evaluation}; name it with --challenge."
            )
        return problem

    def controls() -> list[tuple[Outputs, Outputs]]:
        problem = loaded()
        try:
            parts = recorded_controls(store, paths, evaluation, problem, stored.n)
        except ConfigurationError as error:  # a control problem is missing or damaged, the challenge is not
            raise ValueError(str(error)) from error
        return load_control_populations(parts)

    return Population(
        name=stored.submission,
        challenge_sha256=stored.challenge_sha256,
        retraining=store.retraining(evaluation),
        load=lambda: load_populations(loaded(), runs, paths.outputs),
        load_controls=controls,
        stored_card=partial(read_card, paths, stored.manifest_sha256),
        evaluation=evaluation,
        no_score=failure_reason(failed[0]) if failed else str(stored.summary.get("reason") or ""),
    )


def _challenge_folder(stored: StoredEvaluation, moved: Path | None) -> Path:
    folder = moved or stored.challenge_folder
    if folder is None:
        raise ConfigurationError(
            f"The folder of evaluation {stored.id}'s challenge is not recorded; name it with --challenge."
        )
    return folder


def populations_of_files(unlearned: Sequence[Path], references: Path) -> list[Population]:
    """Return the populations in npz files.

    Raises:
        ConfigurationError: a file holds something else, or the outputs are of different challenges.
        HostNotReadyError: a file cannot be read.
    """
    base = _read(references)
    populations = []
    for file in unlearned:
        outputs = _read(file)
        try:
            check_comparable(outputs, base)
        except ValueError as error:
            raise ConfigurationError(f"{file} and {references} do not go together: {error}") from error
        populations.append(
            Population(name=file.stem, challenge_sha256="", load=partial(_pair, outputs, base))
        )
    return populations


def _pair(unlearned: Outputs, references: Outputs) -> tuple[Outputs, Outputs]:
    return unlearned, references


def _read(file: Path) -> Outputs:
    try:
        data = read_stored_file(file, max_bytes=_MAX_FILE_BYTES)
        require_memory(file, data)
        return load_outputs(io.BytesIO(data))
    except UnexpectedFileError as error:
        raise ConfigurationError(f"{file} {error.problem}.") from error
    except ValueError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be read: {error.strerror or error}.") from error


def require_memory(file: Path, data: bytes, free_bytes: Callable[[], int] = free_memory_bytes) -> None:
    """Refuse a compressed file whose arrays do not fit into memory.

    Raises:
        HostNotReadyError: names the sizes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked_bytes = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError):
        return  # the scorer says what it is
    if unpacked_bytes > (free := free_bytes()):
        raise HostNotReadyError(
            f"{file} holds arrays of {size_text(unpacked_bytes)}; {size_text(free)} of memory are free."
        )


def compare_populations(populations: Sequence[Population], *, seed: int) -> Comparison | str:
    """Return the comparison of several submissions, or the sentence that says why there is none."""
    from scoring.statistics.comparison import ModelOutputs, compare  # noqa: PLC0415 - imports SciPy

    pairs = [population.load() for population in populations]
    references, *unlearned = (
        ModelOutputs(confidences=outputs.confidences(), accuracies=outputs.accuracies())
        for outputs in (pairs[0][1], *(pair[0] for pair in pairs))
    )
    try:
        return compare(unlearned, references, seed=seed)
    except ValueError as error:
        return str(error)
