"""Make the report of an evaluation from what is stored of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.errors import RunnerError
from runner.reports.score_card import card_rows
from runner.reports.views.model import EvaluationView
from runner.reports.views.provenance import provenance, read_manifest
from runner.reports.views.report_model import (
    AccuracyRow,
    CardPart,
    EpsilonBin,
    ExamplePart,
    LimitsPart,
    Measure,
    Provenance,
    ReportView,
    RunPart,
)
from runner.results.view import MIN_SCORED_RUNS
from runner.sanitize import sanitize_line
from runner.store.paths import EvaluationPaths
from runner.store.records import AttemptRecord, RunRecord
from runner.store.store import Store
from scoring.outputs import SPLITS

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard
    from scoring.outputs import Outputs
    from scoring.statistics.interval import Interval

    LoadOutputs = Callable[[], tuple[Outputs, Outputs]]

_ORDINARY: Final = frozenset({"done", "stopped at the first failure", "lost", None})
"""Outcomes of attempts that ended on request, ``lost`` by an interruption; of any other the outcome is the
sentence of an error."""
_FEW: Final = f"Fewer than {MIN_SCORED_RUNS} runs: too few for a score, and for what it is made of."


def stored_report(
    view: EvaluationView, *, store: Store, folder: Path, challenge: Path | None = None
) -> ReportView:
    """Return the report of an evaluation in a store; unfiltered.

    Where the challenge or outputs cannot be read any more, the report lacks the charts that need them.

    Args:
        view: Of the evaluation, which has a name.
        store: Where it is recorded.
        folder: Of the store.
        challenge: Where the challenge is now; None for where it was.

    Raises:
        HostNotReadyError: the store cannot be read.
    """
    name = str(view.evaluation)
    evaluation, runs = store.evaluation(name), store.runs(name)
    manifest = read_manifest(EvaluationPaths(folder=folder / name), evaluation.manifest_sha256)
    card, outputs, omitted = None, None, {}
    if view.status == "scored":
        # imports the scorer
        from runner.results.population import stored_population  # noqa: PLC0415

        try:
            population = stored_population(store, folder, name, challenge)
            outputs = population.load
            card = population.stored_card() or population.new_card(seed=None, retraining_seconds=None)
        except (RunnerError, ValueError) as error:
            omitted["card"] = sanitize_line(str(error), 500)
    return make_report(
        view,
        runs=runs,
        attempts=store.attempts(name),
        card=card,
        outputs=outputs,
        omitted=omitted,
        limits=limits_of(store, folder, name),
        provenance=provenance(
            evaluation, entries=store.entries_of(name), manifest=manifest, card=card, store=folder
        ),
    )


def limits_of(store: Store, folder: Path, name: str) -> LimitsPart:
    """Return what a run of an evaluation may use, as far as that is recorded.

    Args:
        store: Where it is recorded.
        folder: Of the store.
        name: Of the evaluation.
    """
    manifest = read_manifest(EvaluationPaths(folder=folder / name), store.evaluation(name).manifest_sha256)
    seconds = [float(item["wall_seconds"]) for item in store.all_terms(name)]
    memory = manifest.limits.get("memory_bytes") if manifest is not None else None
    return LimitsPart(
        seconds=min(seconds) if seconds else None, memory_bytes=memory if isinstance(memory, int) else None
    )


def make_report(
    view: EvaluationView,
    *,
    runs: Sequence[RunRecord] = (),
    attempts: Sequence[AttemptRecord] = (),
    card: ScoreCard | None = None,
    outputs: LoadOutputs | None = None,
    omitted: Mapping[str, str] | None = None,
    limits: LimitsPart | None = None,
    provenance: Provenance | None = None,
) -> ReportView:
    """Return the report of an evaluation; of files that are no submission, all but the view is left out.

    Args:
        view: Of the evaluation.
        runs: As published.
        attempts: Containers that were launched for it.
        card: Its score card; not shown where the runs are too few.
        outputs: Loads what the card was computed from.
        omitted: Why parts are missing.
        limits: Of a run.
        provenance: What the result rests on.
    """
    reasons = dict(omitted or {})
    if view.status == "smoke-test":
        card, reasons["card"] = None, _FEW
    bins: Sequence[EpsilonBin] = ()
    examples: Sequence[ExamplePart] = ()
    if card is not None:
        bins, examples = _charts(card, outputs, reasons)
    return ReportView(
        view=view,
        card=card_part(card) if card is not None else None,
        epsilon=bins,
        examples=examples,
        runs=[_run_part(run) for run in runs],
        lost=sum(attempt.outcome not in _ORDINARY for attempt in attempts),
        limits=limits or LimitsPart(seconds=None, memory_bytes=None),
        provenance=provenance or Provenance(facts=(), command=None, check=None),
        omitted=reasons,
    )


def card_part(card: ScoreCard) -> CardPart:
    """Return what a report shows of a score card."""
    published, errors = card.published, card.uncertainty
    unlearned, references = card.accuracies.unlearned_splits, card.accuracies.reference_splits
    return CardPart(
        score=_measure(published.score, errors.score if errors else None),
        quality=_measure(published.forgetting_quality, errors.forgetting_quality if errors else None),
        ceiling=_measure(card.ceiling.quality.estimate, card.ceiling.quality) if card.ceiling else None,
        share=_measure(card.share_of_ceiling.estimate, card.share_of_ceiling)
        if card.share_of_ceiling
        else None,
        retain=_measure(published.retain_ratio, errors.retain_ratio if errors else None),
        test=_measure(published.test_ratio, errors.test_ratio if errors else None),
        references=card.references,
        examples=card.examples,
        accuracies=[
            AccuracyRow(
                split=split,
                unlearned=float(unlearned.mean[at]),
                unlearned_deviation=float(unlearned.deviation[at]),
                references=float(references.mean[at]),
                references_deviation=float(references.deviation[at]),
            )
            for at, split in enumerate(SPLITS)
        ],
        time_share=card.run_time.median if card.run_time is not None else None,
        numbers=card_rows(card),
    )


def _charts(
    card: ScoreCard, load: LoadOutputs | None, omitted: dict[str, str]
) -> tuple[list[EpsilonBin], list[ExamplePart]]:
    """Return the bins of epsilon and the chosen examples; without outputs, what the card alone gives."""
    # they import NumPy and SciPy
    from runner.reports.views.report_charts import chosen_examples, epsilon_bins  # noqa: PLC0415
    from scoring.statistics.ceiling import reference_epsilons  # noqa: PLC0415

    epsilon = card.published.epsilon
    try:
        if load is None:
            raise ValueError("The outputs of the runs are not at hand.")
        unlearned, references = load()
        confidences, behind = unlearned.confidences(), references.confidences()
        if confidences.shape != (card.n, card.examples):
            raise ValueError("The stored outputs are not those that the score card was computed from.")
        of_references = reference_epsilons(behind, card.n, seed=card.seed)
    except (RunnerError, ValueError) as error:
        omitted["epsilon"] = omitted["examples"] = sanitize_line(str(error), 500)
        return epsilon_bins(epsilon, None, n=card.n), []
    examples = chosen_examples(
        unlearned=confidences,
        references=behind,
        labels=unlearned.labels,
        epsilon=epsilon,
        exact=card.exact.epsilon,
    )
    return epsilon_bins(epsilon, of_references, n=card.n), examples


def _measure(value: float, interval: Interval | None) -> Measure:
    if interval is None:
        return Measure(value=value)
    return Measure(value=value, low=interval.low, high=interval.high)


def _run_part(run: RunRecord) -> RunPart:
    return RunPart(
        index=run.index,
        verdict=str(run.verdict),
        seconds=run.run_seconds or run.host_seconds,
        peak_bytes=run.peak_memory_bytes,
        processor_seconds=run.processor_seconds,
        exception=sanitize_line(run.exception_type, 100),
        seed=run.seed,
    )
