"""Whether an evaluation still is what its manifest says: every hash and the score, once more.

Nothing is believed twice: the manifest is held against the store, the files against the
manifest, the score against the files. Each mismatch is one line; none is an exception.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.challenge.challenge import Challenge
from runner.errors import HostNotReadyError
from runner.files import file_sha256
from runner.parsers.checkpoint import check_checkpoint, content_sha256
from runner.parsers.safetensors import CheckpointError
from runner.results.manifest import Manifest, ManifestError, attempt_part, parse_manifest, run_part
from runner.results.summary import summarise
from runner.sanitize import sanitize_line
from runner.store.archives import archive_path
from runner.store.identity import DEFAULT_WHERE, WhereRun, evaluation_id
from runner.store.paths import EvaluationPaths
from runner.store.records import RunRecord
from runner.store.store import Store
from runner.verdict import Verdict

_NOT_RECOMPUTED: Final = {"seconds", "warnings", "flag_sentences"}
"""Of the summary: the time it took, warnings that tell of other evaluations as they were, and flags in
words, whose rounded figures may differ between machines."""
_TOLERANCE: Final = 1e-9
"""Relative: sums of floats may differ in the last digit between machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was looked at, and what does not match."""

    manifest: Manifest | None
    checked: dict[str, int]
    """How many files of each kind were hashed."""
    mismatches: list[str]


def verify_evaluation(
    store: Store, folder: Path, evaluation: str, challenge: Challenge | str
) -> Verification:
    """Hold an evaluation that has ended against all that is on disk.

    Args:
        store: The store that knows of it.
        folder: Of the store.
        evaluation: Its whole name.
        challenge: What it was done on, or why that cannot be used.
    """
    paths = EvaluationPaths(folder=folder / evaluation)
    checked = dict.fromkeys(("archive", "checkpoints", "outputs"), 0)
    try:
        text = paths.manifest.read_bytes()
        manifest = parse_manifest(text)
    except OSError as error:
        line = f"manifest.json cannot be read: {error.strerror}; it is written when an evaluation ends"
        return Verification(manifest=None, checked=checked, mismatches=[line])
    except ManifestError as error:
        line = f"manifest.json is not a manifest: {sanitize_line(str(error))}"
        return Verification(manifest=None, checked=checked, mismatches=[line])
    found = [
        *_manifest(store, evaluation, manifest, text),
        *_rows(store, evaluation, manifest),
        *_archive(folder, manifest, checked),
        *_challenge(manifest, challenge),
        *_run_files(paths, manifest, challenge, checked),
        *_summary(store, paths, manifest, challenge),
    ]
    return Verification(manifest=manifest, checked=checked, mismatches=found)


def _manifest(store: Store, evaluation: str, manifest: Manifest, text: bytes) -> Iterator[str]:
    noted = store.manifest_sha256(evaluation)
    if hashlib.sha256(text).hexdigest() != noted:
        yield "manifest.json is not the file that the store noted when the evaluation ended"
    name = evaluation_id(
        submission=manifest.submission.sha256,
        challenge=manifest.challenge.sha256,
        image=manifest.image.inputs,
        n=manifest.n,
        where=_where(manifest.settings),
    )
    if not manifest.evaluation == evaluation == name:
        yield f"manifest.json: its hashes and n make evaluation {name}, not {evaluation}"
    indices = [run.index for run in manifest.runs]
    if len(set(indices)) != len(indices) or any(index >= manifest.n for index in indices):
        yield "manifest.json: runs stand twice or are more than n"


def _where(settings: Mapping[str, object]) -> WhereRun:
    isolation, runtime, device = (
        str(settings.get(name, usual))
        for name, usual in zip(("isolation", "runtime", "device"), DEFAULT_WHERE, strict=True)
    )
    return isolation, runtime, device


def _rows(store: Store, evaluation: str, manifest: Manifest) -> Iterator[str]:
    """Compare each run and attempt with its row."""
    rows = {run.index: run for run in store.runs(evaluation)}
    told = {run.index: run for run in manifest.runs}
    for index in sorted(rows.keys() | told.keys()):
        if index not in rows or index not in told:
            yield f"run {index}: only {'the manifest' if index in told else 'the store'} knows of it"
            continue
        row = run_part(rows[index], Path("/nonexistent")).model_dump(mode="json")
        for name, value in told[index].model_dump(mode="json").items():
            if name == "outputs_sha256" and not row[name]:
                continue  # earlier versions noted none
            if row[name] != value:
                told_and_kept = f"{_short(value)} in the manifest and {_short(row[name])} in the store"
                yield f"run {index}: {name} is {told_and_kept}"
    attempts = [attempt_part(attempt) for attempt in store.attempts(evaluation)]
    if attempts != manifest.attempts:
        yield "manifest.json: its attempts are not those of the store"


def _archive(folder: Path, manifest: Manifest, checked: dict[str, int]) -> Iterator[str]:
    file = archive_path(folder, manifest.submission.sha256)
    digest = file_sha256(file)
    if digest is None:
        yield f"submissions/{file.name} is missing"
        return
    checked["archive"] += 1
    if digest != manifest.submission.sha256:
        yield f"submissions/{file.name} is not the submission that was evaluated"


def _challenge(manifest: Manifest, challenge: Challenge | str) -> Iterator[str]:
    if isinstance(challenge, str):
        yield f"challenge: {challenge}"
        return
    if challenge.sha256 != manifest.challenge.sha256:
        yield f"challenge: {challenge.folder} is another one than the evaluation was done on"
        return
    for run in manifest.runs:
        if run.seed != challenge.run_seed(run.index):
            yield f"run {run.index}: its seed is not the one that the challenge gives it"


def _run_files(
    paths: EvaluationPaths, manifest: Manifest, challenge: Challenge | str, checked: dict[str, int]
) -> Iterator[str]:
    known: set[Path] = set()
    failed = any(run.verdict is not Verdict.OK for run in manifest.runs)
    for run in manifest.runs:
        outputs, checkpoint = paths.outputs(run.index), paths.checkpoint(run.index)
        known |= {outputs, checkpoint}
        left_out = failed and not run.outputs_sha256 and not outputs.exists()
        if run.verdict is Verdict.OK and not left_out:
            yield from _outputs(outputs, run.outputs_sha256, checked)
        if checkpoint.is_file():  # they may be removed at any time
            checked["checkpoints"] += 1
            yield from _checkpoint(checkpoint, run.checkpoint_sha256, challenge)
    for place in (paths.outputs, paths.checkpoint):
        for file in sorted(place(0).parent.glob("*")):
            if file not in known:
                yield f"{_name(file)} belongs to no run"


def _outputs(file: Path, wanted: str, checked: dict[str, int]) -> Iterator[str]:
    digest = file_sha256(file)
    if digest is None:
        yield f"{_name(file)} is missing"
        return
    checked["outputs"] += 1
    if digest != wanted:
        yield f"{_name(file)} is not the file that the manifest names"


def _checkpoint(file: Path, wanted: str, challenge: Challenge | str) -> Iterator[str]:
    try:
        data = file.read_bytes()
        if isinstance(challenge, Challenge):
            check_checkpoint(data, challenge.spec)
        if content_sha256(data) != wanted:
            yield f"{_name(file)} is not the checkpoint that the manifest names"
    except (OSError, CheckpointError) as error:
        yield f"{_name(file)} is no checkpoint any more: {sanitize_line(str(error))}"


def _summary(
    store: Store, paths: EvaluationPaths, manifest: Manifest, challenge: Challenge | str
) -> Iterator[str]:
    try:
        text = paths.summary.read_bytes()
        summary = json.loads(text)
    except (OSError, ValueError):
        yield "summary.json is missing or is not JSON"
        return
    if hashlib.sha256(text).hexdigest() != manifest.summary_sha256:
        yield "summary.json is not the file that the manifest names"
    if store.summary(manifest.evaluation) != summary:
        yield "summary.json and the store tell of different ends"
    if isinstance(challenge, str) or challenge.sha256 != manifest.challenge.sha256:
        return  # said already; a score on another challenge says nothing
    if not isinstance(summary, dict):
        return
    try:
        again = summarise(
            evaluation=manifest.evaluation,
            submission=manifest.submission.name,
            challenge=challenge,
            n=manifest.n,
            runs=manifest.records(),
            outputs=paths.outputs,
            seconds=manifest.seconds,
            retraining_seconds=store.retraining_seconds(manifest.evaluation),
        )
    except HostNotReadyError as error:
        yield f"the score cannot be computed again: {error}"
        return
    for name in sorted((again.keys() | summary.keys()) - _NOT_RECOMPUTED):
        told, computed = summary.get(name), again.get(name)
        if not _same(told, computed):
            yield f"summary.json: {name} is {_short(told)}; computed again it is {_short(computed)}"


def compare_rerun(
    before: Mapping[int, RunRecord], after: Sequence[RunRecord], indices: Sequence[int]
) -> list[str]:
    """Return what runs that were done again did otherwise."""
    again = {run.index: run for run in after}
    found = []
    for index in indices:
        told, run = before[index], again.get(index)
        if run is None:
            found.append(f"run {index}: it could not be done again")
        elif run.verdict is not told.verdict:
            found.append(f"run {index}: done again it ended as {run.verdict}, not as {told.verdict}")
        elif run.checkpoint_sha256 != told.checkpoint_sha256:
            found.append(
                f"run {index}: done again with the same seed it gives another checkpoint "
                f"({run.checkpoint_sha256[:12]}, not {told.checkpoint_sha256[:12]}): the submission is not "
                "deterministic, or the checkpoint is not its own"
            )
        elif run.outputs_sha256 != told.outputs_sha256:
            found.append(f"run {index}: done again it gives the same checkpoint but other outputs")
    return found


def evenly_spaced(indices: Sequence[int], count: int) -> list[int]:
    """Return ``count`` of the indices, the first among them and the rest evenly behind it."""
    count = min(count, len(indices))
    return [indices[position * len(indices) // count] for position in range(count)]


def _same(told: object, computed: object) -> bool:
    if isinstance(told, float) and isinstance(computed, float):
        return math.isclose(told, computed, rel_tol=_TOLERANCE, abs_tol=1e-12)
    return told == computed


def _name(file: Path) -> str:
    return sanitize_line(f"{file.parent.name}/{file.name}", 80)


def _short(value: object) -> str:
    return sanitize_line(json.dumps(value), 60)
