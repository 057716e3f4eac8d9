"""Make the report of an evaluation from what is stored of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.errors import RunnerError
from runner.files import read_stored_file
from runner.reports.failures import follow_up
from runner.reports.score_card import card_rows
from runner.reports.views.model import EvaluationView
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
from runner.results.manifest import Manifest, ManifestError, parse_manifest
from runner.results.view import MIN_SCORED_RUNS
from runner.sanitize import sanitize_line
from runner.store.entries.records import Entry
from runner.store.paths import MAX_JSON_BYTES, EvaluationPaths
from runner.store.records import AttemptRecord, RunRecord
from runner.store.store import Store
from runner.store.stored_evaluation import StoredEvaluation
from runner.units import duration, size_text
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
    manifest = _manifest(EvaluationPaths(folder=folder / name), evaluation.manifest_sha256)
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
    manifest = _manifest(EvaluationPaths(folder=folder / name), store.evaluation(name).manifest_sha256)
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


def provenance(
    evaluation: StoredEvaluation,
    *,
    entries: Sequence[Entry],
    manifest: Manifest | None,
    card: ScoreCard | None,
    store: Path,
) -> Provenance:
    """Return what the result of an evaluation rests on.

    Args:
        evaluation: As stored.
        entries: The entries that share it.
        manifest: None where there is none, or it was changed.
        card: None without a score.
        store: Folder of the store.
    """
    facts = [
        ("evaluation", evaluation.id),
        ("submission, SHA-256", evaluation.submission_sha256),
        ("challenge, SHA-256", evaluation.challenge_sha256),
        ("image, digest of its inputs", evaluation.image),
        ("runs", str(evaluation.n)),
        ("begun", f"{evaluation.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"),
        ("time spent on it", duration(evaluation.seconds)),
        *(_of_manifest(manifest) if manifest is not None else ()),
    ]
    if card is not None:
        facts.append(("score card", f"version {card.schema_version}, seed {card.seed}"))
    if evaluation.manifest_sha256 is not None:
        facts.append(("manifest, SHA-256", evaluation.manifest_sha256))
    path = next((entry.path for entry in reversed(entries) if entry.path is not None), None)
    command = None
    if path is not None and evaluation.challenge_folder is not None:
        settings = manifest.settings if manifest is not None else {}
        folder = ["-c", str(evaluation.challenge_folder), "-n", str(evaluation.n)]
        words = ["unlearn", "run", path, *folder, *_options(settings)]
        command = sanitize_line(shlex.join(words), 1000)
    return Provenance(
        facts=[(name, sanitize_line(value, 300)) for name, value in facts],
        command=command,
        check=follow_up("verify", evaluation.id, store) if manifest is not None else None,
    )


def _of_manifest(manifest: Manifest) -> Iterator[tuple[str, str]]:
    settings, versions = manifest.settings, manifest.versions
    parts = [f"{name} {settings[name]}" for name in ("device", "isolation") if settings.get(name)]
    runtime = versions.get("runtime") or settings.get("runtime")
    yield "executed with", ", ".join([*parts, *([f"runtime {runtime}"] if runtime else [])])
    known = [name for name in ("project", "python", "kernel", "engine") if name in versions]
    yield "versions", ", ".join(f"{name} {versions[name]}" for name in known)
    yield "archive", size_text(manifest.submission.archive_bytes)


def _options(settings: Mapping[str, object]) -> Iterator[str]:
    defaults = {"isolation": "process", "runtime": "", "device": "cpu"}
    for name, default in defaults.items():
        value = settings.get(name, default)
        if value != default:
            yield from (f"--{name}", str(value))


def _manifest(paths: EvaluationPaths, sha256: str | None) -> Manifest | None:
    """Return the manifest as it was recorded; None if there is none, or if it was changed."""
    import hashlib  # noqa: PLC0415 - here only

    try:
        text = read_stored_file(paths.manifest, max_bytes=MAX_JSON_BYTES)
        return parse_manifest(text) if hashlib.sha256(text).hexdigest() == sha256 else None
    except (OSError, RunnerError, ManifestError):
        return None


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
        exception=sanitize_line(run.exception_type, 100),
        seed=run.seed,
    )
