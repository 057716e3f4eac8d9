"""Verify an evaluation that has ended: compute every hash and the score again.

Every value is checked against another source: the manifest is compared with the store, the files with the
manifest, the score with the files. Each mismatch is one line; none is an exception.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.challenge.challenge import Challenge
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import file_sha256, read_stored_file
from runner.parsers.checkpoint import check_checkpoint, content_sha256
from runner.parsers.safetensors import CheckpointError
from runner.results.control_verification import verify_controls
from runner.results.controls import recorded_controls
from runner.results.manifest import (
    NOT_IN_VERSION_1,
    Manifest,
    ManifestError,
    attempt_part,
    name_of,
    parse_manifest,
)
from runner.results.scoring import score_runs
from runner.results.summarize import summarize
from runner.sanitize import sanitize_line
from runner.store.paths import (
    MAX_CHECKPOINT_BYTES,
    MAX_JSON_BYTES,
    EvaluationPaths,
    archive_path,
)
from runner.store.store import Store
from runner.verdict import Verdict

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard

_NOT_RECOMPUTED: Final = {"seconds", "warnings", "equal_evaluations", "flag_sentences"}
"""Fields of the summary: the time spent, warnings that depend on other evaluations, and the sentences of
flags, whose rounded figures may differ between machines."""
_TOLERANCE: Final = 1e-9
"""Relative: sums of floats may differ in the last digit between machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What was checked, and what does not match."""

    manifest: Manifest | None
    checked: dict[str, int]
    """How many files of each kind were hashed."""
    mismatches: list[str]


def verify_evaluation(
    store: Store, folder: Path, evaluation: str, challenge: Challenge | str
) -> Verification:
    """Compare an evaluation that has ended with everything on disk.

    Args:
        store: The store that records it.
        folder: Of the store.
        evaluation: Its whole name.
        challenge: What it was evaluated on, or the sentence that says why that cannot be used.
    """
    paths = EvaluationPaths(folder=folder / evaluation)
    checked = dict.fromkeys(("archive", "checkpoints", "outputs"), 0)
    try:
        text = read_stored_file(paths.manifest, max_bytes=MAX_JSON_BYTES)
        manifest = parse_manifest(text)
    except OSError as error:
        line = f"manifest.json cannot be read: {error.strerror}; it is written when an evaluation ends"
        return Verification(manifest=None, checked=checked, mismatches=[line])
    except ManifestError as error:
        line = f"manifest.json is not a manifest: {sanitize_line(str(error))}"
        return Verification(manifest=None, checked=checked, mismatches=[line])
    mismatches = [
        *_manifest(store, evaluation, manifest, text),
        *_rows(store, evaluation, manifest),
        *_archive(folder, manifest, checked),
        *_challenge(manifest, challenge),
        *_run_files(paths, manifest, challenge, checked),
        *verify_controls(store, paths, manifest, challenge, checked),
        *_results(store, paths, manifest, challenge),
    ]
    return Verification(manifest=manifest, checked=checked, mismatches=mismatches)


def _manifest(store: Store, evaluation: str, manifest: Manifest, text: bytes) -> Iterator[str]:
    recorded = store.evaluation(evaluation).manifest_sha256
    if hashlib.sha256(text).hexdigest() != recorded:
        yield "manifest.json is not the file that the store recorded when the evaluation ended"
    name = name_of(manifest)
    if not manifest.evaluation == evaluation == name:
        yield f"manifest.json: its hashes and n belong to evaluation {name}, not {evaluation}"
    indices = [run.index for run in manifest.runs]
    if len(set(indices)) != len(indices) or any(index >= manifest.n for index in indices):
        yield "manifest.json: it lists a run twice, or more runs than n"


def _rows(store: Store, evaluation: str, manifest: Manifest) -> Iterator[str]:
    """Compare each run and attempt with its row."""
    rows = {run.index: run for run in store.runs(evaluation)}
    recorded = {run.index: run for run in manifest.runs}
    skipped = NOT_IN_VERSION_1 if manifest.schema_version == 1 else frozenset()
    for index in sorted(rows.keys() | recorded.keys()):
        if index not in rows or index not in recorded:
            yield f"run {index}: only {'the manifest' if index in recorded else 'the store'} has it"
            continue
        row = asdict(rows[index])
        for name, value in asdict(recorded[index]).items():
            if name in skipped or (name == "outputs_sha256" and not row[name]):
                continue  # earlier versions recorded none
            if row[name] != value:
                values = f"{_short(value)} in the manifest and {_short(row[name])} in the store"
                yield f"run {index}: {name} is {values}"
    attempts = [attempt_part(attempt) for attempt in store.attempts(evaluation)]
    if attempts != manifest.attempts:
        yield "manifest.json: its attempts are not those of the store"


def _archive(folder: Path, manifest: Manifest, checked: dict[str, int]) -> Iterator[str]:
    file = archive_path(folder, manifest.submission.sha256)
    digest = file_sha256(file)
    if digest is None:
        yield f"submissions/{file.name} {_absence(file)}"
        return
    checked["archive"] += 1
    if digest != manifest.submission.sha256:
        yield f"submissions/{file.name} is not the submission that was evaluated"


def _challenge(manifest: Manifest, challenge: Challenge | str) -> Iterator[str]:
    if isinstance(challenge, str):
        yield f"challenge: {challenge}"
        return
    if challenge.sha256 != manifest.challenge.sha256:
        yield f"challenge: {challenge.folder} is not the challenge that the evaluation used"
        return
    if manifest.rescored is not None and manifest.rescored.challenge_sha256 != challenge.sha256:
        return  # its runs have the seeds of the challenge that they were executed on
    for run in manifest.runs:
        if run.seed != challenge.run_seed(run.index):
            yield f"run {run.index}: its seed is not the one that the challenge derives"


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


def _outputs(file: Path, expected: str, checked: dict[str, int]) -> Iterator[str]:
    digest = file_sha256(file)
    if digest is None:
        yield f"{_name(file)} {_absence(file)}"
        return
    checked["outputs"] += 1
    if digest != expected:
        yield f"{_name(file)} is not the file that the manifest names"


def _checkpoint(file: Path, expected: str, challenge: Challenge | str) -> Iterator[str]:
    try:
        data = read_stored_file(file, max_bytes=MAX_CHECKPOINT_BYTES)
        if isinstance(challenge, Challenge):
            check_checkpoint(data, challenge.spec)
        if content_sha256(data) != expected:
            yield f"{_name(file)} is not the checkpoint that the manifest names"
    except (OSError, CheckpointError) as error:
        yield f"{_name(file)} is no longer a checkpoint: {sanitize_line(str(error))}"


def _results(
    store: Store, paths: EvaluationPaths, manifest: Manifest, challenge: Challenge | str
) -> Iterator[str]:
    """Compare summary and score card with the manifest, and with what is computed from the outputs again."""
    try:
        text = read_stored_file(paths.summary, max_bytes=MAX_JSON_BYTES)
        summary = json.loads(text)
    except (OSError, ValueError, RecursionError):
        yield "summary.json is missing or is not JSON"
        return
    if hashlib.sha256(text).hexdigest() != manifest.summary_sha256:
        yield "summary.json is not the file that the manifest names"
    stored = store.find_evaluation(manifest.evaluation)
    if stored is None or stored.summary != summary:
        yield "summary.json and the store record different ends"
    if manifest.card_sha256 is not None and file_sha256(paths.card) != manifest.card_sha256:
        yield "card.json is missing or is not the file that the manifest names"
    if isinstance(challenge, str) or challenge.sha256 != manifest.challenge.sha256:
        return  # reported already; a score on another challenge says nothing
    if not isinstance(summary, dict):
        return
    retraining = store.retraining(manifest.evaluation)
    try:
        controls = recorded_controls(store, paths, manifest.evaluation, challenge, manifest.n)
        card = score_runs(challenge, manifest.runs, paths.outputs, retraining, controls)
    except (ConfigurationError, HostNotReadyError) as error:
        yield f"the score cannot be computed again: {error}"
        return
    again = summarize(
        evaluation=manifest.evaluation,
        submission=manifest.submission.name,
        challenge=challenge,
        n=manifest.n,
        runs=manifest.runs,
        seconds=manifest.seconds,
        card=card,
    ).to_json()
    if "schema_version" not in summary:
        del again["schema_version"]  # summaries had none before version 2 of the manifest
    for name in sorted((again.keys() | summary.keys()) - _NOT_RECOMPUTED):
        value, computed = summary.get(name), again.get(name)
        if not _same(value, computed):
            yield f"summary.json: {name} is {_short(value)}; computed again it is {_short(computed)}"
    yield from _card(paths, manifest, card)


def _card(paths: EvaluationPaths, manifest: Manifest, card: ScoreCard | str | None) -> Iterator[str]:
    """Compare each number of the stored card with the card that was computed again."""
    if manifest.card_sha256 is None:
        return
    if card is None or isinstance(card, str):
        yield "card.json: computed again there is no score"
        return
    try:
        stored = json.loads(read_stored_file(paths.card, max_bytes=MAX_JSON_BYTES))
    except (OSError, ValueError, RecursionError):
        return  # reported already
    computed_again = json.loads(card.to_json())
    if not isinstance(stored, dict) or stored.get("schema_version") != computed_again["schema_version"]:
        return  # another version of this project wrote it, with other fields: only its hash can be compared
    for place, value, computed in _differences(stored, computed_again, "card"):
        yield f"card.json: {place} is {_short(value)}; computed again it is {_short(computed)}"


def _differences(stored: object, computed: object, place: str) -> Iterator[tuple[str, object, object]]:
    """Yield where two JSON values differ; sentences, whose rounded figures may differ, are left out."""
    if isinstance(stored, dict) and isinstance(computed, dict):
        for name in sorted(stored.keys() | computed.keys()):
            if name != "sentence":
                yield from _differences(stored.get(name), computed.get(name), f"{place}.{name}")
    elif isinstance(stored, list) and isinstance(computed, list) and len(stored) == len(computed):
        for position, (left, right) in enumerate(zip(stored, computed, strict=True)):
            yield from _differences(left, right, f"{place}[{position}]")
    elif not _same(stored, computed):
        yield place, stored, computed


def _same(stored: object, computed: object) -> bool:
    if isinstance(stored, float) and isinstance(computed, float):
        return math.isclose(stored, computed, rel_tol=_TOLERANCE, abs_tol=1e-12)
    return stored == computed


def _absence(file: Path) -> str:
    """Return what is wrong with a file that could not be hashed."""
    return "is not a regular file that can be read" if file.is_symlink() or file.exists() else "is missing"


def _name(file: Path) -> str:
    return sanitize_line(f"{file.parent.name}/{file.name}", 80)


def _short(value: object) -> str:
    return sanitize_line(json.dumps(value), 60)
