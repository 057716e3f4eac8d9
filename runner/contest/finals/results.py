"""The results of a final: where each entry stands, with noise, and what each value rests on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

from runner.challenge.description_file import read_description
from runner.competition.final import Standing
from runner.competition.metrics import METRICS
from runner.contest.audience import anonymous_name
from runner.contest.board import challenge_source
from runner.contest.final import Final as ContestFinal
from runner.contest.finals.publication import decisions
from runner.errors import ConfigurationError
from runner.files import read_stored_file
from runner.leaderboard.audience import SCORE_DIGITS
from runner.leaderboard.final_model import (
    Decision,
    FinalChallenge,
    FinalEvaluation,
    FinalResults,
    FinalRow,
)
from runner.leaderboard.finals import HalvedScore, RankNoise, combined_on_halves, rank_noise
from runner.leaderboard.stored.metrics import metrics_on_halves
from runner.progress import Reporter
from runner.results.manifest import Manifest, ManifestError, parse_manifest
from runner.store.migrations import HEAD
from runner.store.paths import MAX_JSON_BYTES, EvaluationPaths
from runner.store.stored_evaluation import StoredEvaluation

_Evaluations = Mapping[int, Sequence[StoredEvaluation | None]]
"""Of each entry, by challenge."""
_INTERVALS: Final = ("combined_low", "combined_high", "behind", "behind_low", "behind_high")
_NO_NOISE: Final = "The noise of some results is not known, so they are not told apart from others."


def final_results(final: ContestFinal, reporter: Reporter) -> FinalResults:
    """Return the results of a final, with true names; what is compared is computed once and stored.

    Args:
        final: That has been queued.
        reporter: Receives the progress.

    Raises:
        ConfigurationError: a challenge is needed and cannot be used.
        HostNotReadyError: the store cannot be read or written.
    """
    evaluations = final.evaluations()
    # An entry that was taken out since then is no row.
    standings = [each for each in final.standings() if each.entry in evaluations]
    combined, remarks = _combined(final, standings, evaluations, reporter)
    ranked = [each for each in standings if each.rank is not None]
    metric = METRICS[final.rule.metric]
    noise = rank_noise(
        [combined.get(each.entry) for each in ranked],
        lower_is_better=final.rule.combine == "mean-rank" or not metric.higher_is_better,
    )
    by_entry = {each.entry: known for each, known in zip(ranked, noise, strict=True)}
    return FinalResults(
        competition=final.competition.name,
        phase=final.phase.name,
        metric=final.rule.metric,
        higher_is_better=metric.higher_is_better,
        combine=final.rule.combine,
        weights=final.rule.weights,
        challenges=[_challenge(final, path) for path in final.phase.challenges],
        rows=[
            _row(final, each, by_entry.get(each.entry), evaluations.get(each.entry, ())) for each in standings
        ],
        remarks=remarks,
        decisions=[Decision(act=act.act, who=act.who, at=act.at) for act in decisions(final)],
        store_revision=HEAD,
        version=importlib.metadata.version("unlearn"),
    )


def public_results(final: ContestFinal, reporter: Reporter) -> FinalResults:
    """Return the results of a final as everybody may see them, by the policies of its phase and challenges.

    Raises:
        ConfigurationError: a challenge is needed and cannot be used.
        HostNotReadyError: the store cannot be read or written.
    """
    return for_everybody(
        final_results(final, reporter),
        anonymous=final.phase.leaderboard.names == "anonymous",
        in_full=_may_be_shown_in_full(final),
        secret=final.store.competition_secret(final.competition.name),
    )


def for_everybody(results: FinalResults, *, anonymous: bool, in_full: bool, secret: str) -> FinalResults:
    """Return what everybody may see of results: only rows with a rank, no path and no user of this host.

    Args:
        results: With true names.
        anonymous: Whether rows have names that nobody can compute, and nothing that a submission determines.
        in_full: Whether all digits and the intervals are shown: a submission could hide images in them.
        secret: From which these names follow.
    """
    rows = [row for row in results.rows if row.rank is not None]
    if anonymous:
        rows = [_anonymous(row, secret) for row in rows]
    if not in_full:
        rows = [_rounded(row) for row in rows]
    remarks = [_NO_NOISE] if results.remarks else []  # reasons may name files of this host
    return results.without_users().model_copy(update={"rows": rows, "remarks": remarks})


def _anonymous(row: FinalRow, secret: str) -> FinalRow:
    evaluations = [
        None if each is None else each.model_copy(update={"submission_sha256": None, "evaluation": None})
        for each in row.evaluations
    ]
    name = anonymous_name(secret, row.team)
    return row.model_copy(update={"team": name, "entry": None, "evaluations": evaluations})


def _rounded(row: FinalRow) -> FinalRow:
    values = [None if value is None else round(value, SCORE_DIGITS) for value in row.values]
    combined = None if row.combined is None else round(row.combined, SCORE_DIGITS)
    return row.model_copy(update={"values": values, "combined": combined, **dict.fromkeys(_INTERVALS)})


def _may_be_shown_in_full(final: ContestFinal) -> bool:
    """Return whether no challenge restricts what participants see; one that cannot be read does."""
    folder = final.contest.folder
    try:
        return all(read_description(folder / path).feedback == "full" for path in final.phase.challenges)
    except ConfigurationError:
        return False


def _combined(
    final: ContestFinal, standings: Sequence[Standing], evaluations: _Evaluations, reporter: Reporter
) -> tuple[dict[int, HalvedScore], list[str]]:
    """Return the combined results on halves by the entry, and what is not known of them."""
    complete = [each for each in standings if each.combined is not None]
    halved: dict[int, list[HalvedScore | str]] = {each.entry: [] for each in complete}
    for at, path in enumerate(final.phase.challenges):
        stored = {each.entry: evaluations[each.entry][at] for each in complete}
        values = {
            evaluation.id: value
            for each in complete
            if (evaluation := stored[each.entry]) is not None and (value := each.values[at]) is not None
        }
        on_halves = _on_challenge(final, path, [each for each in stored.values() if each], values, reporter)
        for entry, evaluation in stored.items():
            halved[entry].append("it has no evaluation" if evaluation is None else on_halves[evaluation.id])
    known = {entry: row for entry, row in halved.items() if _all_known(row)}
    reasons = [each for row in halved.values() for each in row if isinstance(each, str)]
    remarks = [f"{_NO_NOISE[:-1]}: {reasons[0]}"] if reasons else []
    if final.rule.combine == "mean-rank" and reasons:
        known = {}  # the ranks of all depend on each
    combined = combined_on_halves(
        list(known.values()),
        combine=final.rule.combine,
        weights=final.rule.weights,
        higher_is_better=METRICS[final.rule.metric].higher_is_better,
    )
    return dict(zip(known, combined, strict=True)), remarks


def _all_known(row: list[HalvedScore | str]) -> TypeGuard[list[HalvedScore]]:
    return not any(isinstance(each, str) for each in row)


def _on_challenge(
    final: ContestFinal,
    path: str,
    evaluations: Iterable[StoredEvaluation],
    values: Mapping[str, float],
    reporter: Reporter,
) -> dict[str, HalvedScore | str]:
    """Return the metric of evaluations on halves; a sentence for each where they cannot be computed."""
    evaluations = list({each.id: each for each in evaluations}.values())
    try:
        source, _name, sha256 = challenge_source(final.contest.folder / path)
    except ConfigurationError as error:
        return {each.id: str(error) for each in evaluations}
    comparable = [each for each in evaluations if each.challenge_sha256 == sha256]
    on_halves: dict[str, HalvedScore | str] = {
        each.id: f"{path} is not the challenge that it was evaluated on" for each in evaluations
    }
    try:
        return on_halves | metrics_on_halves(
            final.store,
            final.contest.store_folder,
            comparable,
            values,
            metric=METRICS[final.rule.metric].path,
            seed=source.seed,
            challenge=source.load,
            reporter=reporter,
        )
    except ConfigurationError as error:  # files of the challenge are gone
        return {each.id: str(error) for each in evaluations}


def _challenge(final: ContestFinal, path: str) -> FinalChallenge:
    try:
        _source, name, sha256 = challenge_source(final.contest.folder / path)
    except ConfigurationError:
        return FinalChallenge(name="", sha256=None)
    return FinalChallenge(name=name, sha256=sha256)


def _row(
    final: ContestFinal,
    standing: Standing,
    noise: RankNoise | None,
    evaluations: Sequence[StoredEvaluation | None],
) -> FinalRow:
    interval = None if noise is None else noise.interval
    behind = None if noise is None else noise.behind
    return FinalRow(
        team=standing.team,
        entry=standing.entry,
        rank=standing.rank,
        first_rank=None if noise is None else noise.ranks.first,
        last_rank=None if noise is None else noise.ranks.last,
        combined=standing.combined,
        combined_low=None if interval is None else interval.low,
        combined_high=None if interval is None else interval.high,
        behind=None if behind is None else behind.estimate,
        behind_low=None if behind is None else behind.low,
        behind_high=None if behind is None else behind.high,
        values=list(standing.values),
        evaluations=[None if each is None else _evaluation(final, each) for each in evaluations],
    )


@dataclass(frozen=True, slots=True)
class _Files:
    manifest: Manifest | None
    scorer: int | None


def _evaluation(final: ContestFinal, stored: StoredEvaluation) -> FinalEvaluation:
    """Return what a value rests on, from the manifest that the store has recorded."""
    files = _files(EvaluationPaths(folder=final.contest.store_folder / stored.id), stored.manifest_sha256)
    manifest = files.manifest
    return FinalEvaluation(
        evaluation=stored.id,
        submission_sha256=stored.submission_sha256,
        manifest_sha256=stored.manifest_sha256,
        image=None if manifest is None else manifest.image.config or manifest.image.inputs,
        scorer=files.scorer,
        program=None if manifest is None else manifest.versions.get("project"),
        runs=None if manifest is None else len(manifest.runs),
        seeds_sha256=None if manifest is None else _digest(run.seed for run in manifest.runs),
        outputs_sha256=None if manifest is None else _digest(run.outputs_sha256 for run in manifest.runs),
        device=None if manifest is None else str(manifest.settings.get("device", "cpu")),
    )


def _files(paths: EvaluationPaths, manifest_sha256: str | None) -> _Files:
    try:
        text = read_stored_file(paths.manifest, max_bytes=MAX_JSON_BYTES)
        if hashlib.sha256(text).hexdigest() != manifest_sha256:
            return _Files(None, None)
        manifest = parse_manifest(text)
    except (OSError, ManifestError):
        return _Files(None, None)
    try:
        card = read_stored_file(paths.card, max_bytes=MAX_JSON_BYTES)
        if hashlib.sha256(card).hexdigest() != manifest.card_sha256:
            return _Files(manifest, None)
        return _Files(manifest, int(json.loads(card)["schema_version"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return _Files(manifest, None)


def _digest(values: Iterable[object]) -> str:
    return hashlib.sha256("".join(f"{value}\n" for value in values).encode()).hexdigest()
