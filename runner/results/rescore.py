"""Score an evaluation again from its stored outputs, as an evaluation of its own: nothing is executed.

The new evaluation has the runs of the old one, and links to its outputs and logs; summary, score card and
manifest are its own, and the manifest names the old one. So both stay, and each can be verified.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from runner.challenge.challenge import Challenge
from runner.challenge.controls import load_controls
from runner.challenge.layout import PROBES_FILE, REFERENCES_FILE
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import file_sha256, read_stored_file
from runner.results.card_file import card_bytes, has_recorded_card
from runner.results.controls import ControlRuns, has_control_runs, recorded_controls
from runner.results.manifest import (
    SCHEMA_VERSION,
    ChallengePart,
    Manifest,
    ManifestError,
    RescoredPart,
    attempt_part,
    control_part,
    manifest_text,
    parse_manifest,
    with_outputs_hash,
)
from runner.results.scoring import score_runs
from runner.results.summarize import summarize
from runner.results.summary import Summary
from runner.store.lease import evaluation_lease
from runner.store.paths import (
    MAX_JSON_BYTES,
    EvaluationPaths,
    control_evaluation_id,
    rescored_evaluation_id,
)
from runner.store.records import AttemptRecord, RunRecord
from runner.store.recovery import has_recorded_manifest
from runner.store.staged_files import commit_file, stage_file
from runner.store.store import Store
from runner.submission.load import Submission
from runner.verdict import Verdict

_OF_REFERENCES: Final = frozenset({REFERENCES_FILE, PROBES_FILE})
"""Files of a challenge that may differ: no run sees them."""


def rescore(
    store: Store,
    folder: Path,
    executed: str,
    *,
    submission: Submission,
    challenge: Challenge,
    number: int,
) -> Summary:
    """Score the outputs of an evaluation again, and record the result as one of another name.

    Repeated after an interruption, it goes on; once it has ended, its summary is read.

    Args:
        store: That records both.
        folder: Of the store.
        executed: The evaluation whose outputs are scored.
        submission: Of that evaluation.
        challenge: As it is now; it may have other references than the one that the runs were executed on.
        number: Tells several scorings of one evaluation apart.

    Returns:
        The summary of the new evaluation.

    Raises:
        ConfigurationError: on this challenge the runs would have been others.
        HostNotReadyError: stored files are missing or were changed, or another process does the same.
    """
    name = rescored_evaluation_id(executed, challenge.sha256, number)
    with evaluation_lease(store.database, folder, name) as lease:
        paths = EvaluationPaths(folder=folder / name)
        stored = store.find_evaluation(name)
        if stored is not None and stored.summary is not None and _is_complete(store, paths, name):
            return Summary.from_json(stored.summary)
        manifest = _executed_manifest(store, folder, executed)
        parts = _parts(manifest, challenge, name)
        _link(folder, parts, whole=executed)
        store.begin_with_runs(
            name,
            parts,
            challenge=challenge.description.name,
            challenge_sha256=challenge.sha256,
            challenge_folder=challenge.folder,
            token=lease.token,
        )
        _require_recorded_outputs(store, paths, name)
        runs = store.runs(name)
        controls = recorded_controls(store, paths, name, challenge, manifest.n)
        card = score_runs(challenge, runs, paths.outputs, store.retraining(name), controls)
        summary = summarize(
            evaluation=name,
            submission=manifest.submission.name,
            challenge=challenge,
            n=manifest.n,
            runs=runs,
            seconds=manifest.seconds,
            card=card,
            copies=lambda digests: store.copies(name, digests),
            binary_files=submission.binary_files,
        )
        card_text = card_bytes(card) if card is not None and not isinstance(card, str) else None
        text = _manifest_of(
            manifest,
            RescoredPart(
                evaluation=executed,
                challenge_sha256=_challenge_of_runs(manifest),
                number=number,
            ),
            evaluation=name,
            challenge=challenge,
            runs=runs,
            attempts=store.attempts(name),
            outputs=paths.outputs,
            summary=summary.to_bytes(),
            card=card_text,
            controls=controls,
        )
        files = {paths.summary: summary.to_bytes(), paths.card: card_text, paths.manifest: text}
        for file, content in files.items():
            if content is not None:
                stage_file(file, lease.token, content)
        store.finish(
            name,
            summary.to_json(),
            manifest_sha256=hashlib.sha256(text).hexdigest(),
            outcome=summary.outcome,
            token=lease.token,
        )
        for file, content in files.items():
            if content is not None:
                commit_file(file, lease.token)
    return summary


def _is_complete(store: Store, paths: EvaluationPaths, name: str) -> bool:
    return has_recorded_manifest(store, paths, name) and has_recorded_card(paths)


def _executed_manifest(store: Store, folder: Path, executed: str) -> Manifest:
    """Return the manifest of an evaluation that has ended.

    Raises:
        HostNotReadyError: the manifest is missing or was changed.
    """
    file = EvaluationPaths(folder=folder / executed).manifest
    try:
        text = read_stored_file(file, max_bytes=MAX_JSON_BYTES)
        if hashlib.sha256(text).hexdigest() != store.evaluation(executed).manifest_sha256:
            raise HostNotReadyError(f"{file} was changed; see: unlearn verify {executed}")
        return parse_manifest(text)
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be read: {error.strerror or error}.") from error
    except ManifestError as error:
        raise HostNotReadyError(f"{file} is not a manifest: {error}") from error


def _challenge_of_runs(manifest: Manifest) -> str:
    """Return the hash of the challenge that runs were executed on; they may have been scored since."""
    return manifest.challenge.sha256 if manifest.rescored is None else manifest.rescored.challenge_sha256


def _parts(manifest: Manifest, challenge: Challenge, name: str) -> dict[str, str]:
    """Return the new name of each part of an evaluation by its old one, the whole first.

    Raises:
        ConfigurationError: on this challenge, or on one of its control problems, the runs would be others.
    """
    _require_same_files(manifest.challenge.files, challenge)
    parts = {manifest.evaluation: name}
    controls = load_controls(challenge) if has_control_runs(challenge, manifest.n) else ()
    recorded = manifest.controls or []
    if [control.sha256 for control in controls] != [part.challenge_sha256 for part in recorded]:
        raise ConfigurationError(
            f"The control problems of {challenge.folder} are not those that the runs were executed on; "
            "judge the entries again with --rerun."
        )
    for control, part in zip(controls, recorded, strict=True):
        parts[part.evaluation] = control_evaluation_id(name, control.sha256)
    return parts


def _require_same_files(recorded: Mapping[str, str], challenge: Challenge) -> None:
    files = challenge.description.files
    for file in sorted((recorded.keys() | files.keys()) - _OF_REFERENCES):
        if recorded.get(file) != files.get(file):
            raise ConfigurationError(
                f"{file} of {challenge.folder} is not the one that the runs were executed on, so their "
                "outputs cannot be scored on it; judge the entries again with --rerun."
            )


def _link(folder: Path, parts: Mapping[str, str], *, whole: str) -> None:
    """Link outputs and logs of each part into the folder of its new name; copy where links are impossible."""
    source, target = (EvaluationPaths(folder=folder / each) for each in (whole, parts[whole]))
    for old, new in parts.items():
        is_whole = old == whole
        before = source if is_whole else source.control(old)
        after = target if is_whole else target.control(new)
        for place in (before.outputs(0).parent, before.log(0).parent):
            destination = after.folder / place.name
            try:
                destination.mkdir(parents=True, exist_ok=True)
                for file in sorted(place.iterdir()) if place.is_dir() else ():
                    if file.is_file() and not file.is_symlink():
                        _link_file(file, destination / file.name)
            except OSError as error:
                raise HostNotReadyError(
                    f"{destination} cannot be written: {error.strerror or error}."
                ) from error


def _link_file(file: Path, target: Path) -> None:
    with contextlib.suppress(FileExistsError):
        try:
            os.link(file, target, follow_symlinks=False)
        except PermissionError:  # a file system without links
            shutil.copyfile(file, target)


def _require_recorded_outputs(store: Store, paths: EvaluationPaths, name: str) -> None:
    """Require that the outputs are those that were recorded when the runs ended.

    Raises:
        HostNotReadyError: one is missing or was changed.
    """
    places = {name: paths, **{part.id: paths.control(part.id) for part in store.controls_of(name)}}
    for part, files in places.items():
        for run in store.runs(part):
            file = files.outputs(run.index)
            is_recorded = run.verdict is Verdict.OK and run.evaluated and run.outputs_sha256
            if is_recorded and file_sha256(file) != run.outputs_sha256:
                raise HostNotReadyError(
                    f"{file} is missing or is not the file that was recorded; judge the entry again with "
                    "--rerun."
                )


def _manifest_of(
    executed: Manifest,
    rescored: RescoredPart,
    *,
    evaluation: str,
    challenge: Challenge,
    attempts: Sequence[AttemptRecord],
    runs: Sequence[RunRecord],
    outputs: Callable[[int], Path],
    summary: bytes,
    card: bytes | None,
    controls: Sequence[ControlRuns],
) -> bytes:
    """Return the manifest of the new evaluation: what is said of the runs is that of the old one."""
    changes = {
        "schema_version": SCHEMA_VERSION,
        "evaluation": evaluation,
        "challenge": ChallengePart(
            name=challenge.description.name, sha256=challenge.sha256, files=challenge.description.files
        ),
        "versions": {**executed.versions, "project": importlib.metadata.version("unlearn")},
        "attempts": [attempt_part(attempt) for attempt in attempts],
        "runs": [with_outputs_hash(run, outputs(run.index)) for run in runs],
        "summary_sha256": hashlib.sha256(summary).hexdigest(),
        "card_sha256": hashlib.sha256(card).hexdigest() if card is not None else None,
        "controls": [control_part(control) for control in controls] or None,
        "rescored": rescored,
    }
    return manifest_text(executed.model_copy(update=changes))
