"""The manifest: every hash that a score rests on, written when an evaluation has ended.

Score and verdicts can be derived from this file and the outputs that it names; `runner.results.verification`
computes them again. Unknown or missing names are errors. Version 2 added ``card_sha256`` and records every
field of a run, version 3 more names of the image, version 4 the machine and device class of each run; earlier
versions are still read.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from runner.challenge.challenge import Challenge
from runner.files import file_sha256
from runner.image.image import Image
from runner.results.controls import ControlRuns
from runner.store.paths import DEFAULT_WHERE, evaluation_id, rescored_evaluation_id
from runner.store.records import AttemptRecord, RunRecord
from runner.submission.load import Submission
from runner.validation import Sha256, first_problem

SCHEMA_VERSION: Final = 4
NOT_IN_VERSION_1: Final = frozenset(
    {"evaluated", "exception_type", "peak_memory_bytes", "processor_seconds", "setup_seconds"}
)
"""Fields of a run."""


class ManifestError(ValueError):
    """A file is not a manifest; the text says why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SubmissionPart(_Part):
    """The submission: an archive in the store."""

    name: str
    """As handed in."""
    sha256: Sha256
    """Of the archive."""
    archive_bytes: int
    """Size of the archive."""


class ChallengePart(_Part):
    """The challenge, with every file of it."""

    name: str
    """Of the challenge."""
    sha256: Sha256
    """Of `challenge.toml`."""
    files: dict[str, Sha256]
    """Hash of each file, by its path."""


class ImagePart(_Part):
    """The image: the digest of its inputs, and the engine's own digest of what was built."""

    inputs: Sha256
    """Digest of what the image was built from."""
    identity: str
    """The engine's own digest of what was built."""
    platform: str = ""
    """Operating system and architecture, such as `linux/amd64`."""
    config: str = ""
    """Digest of its configuration, which covers all of its content; empty if the engine did not report it."""
    references: list[str] = []
    """Its names in registries, by digest."""


class AttemptPart(_Part):
    """A container that was launched to execute some of the runs."""

    number: int
    """Counts from 1."""
    begun: str
    """Time."""
    ended: str | None
    """Time; null if its end was not recorded."""
    outcome: str | None
    """How it ended; null if that was not recorded."""
    device: str | None = None
    """On which its runs were executed, such as `cpu 1/4`; missing in earlier versions."""


class ControlPart(_Part):
    """The runs on a control problem, which only organizers know."""

    evaluation: str
    """The name of this part of the evaluation."""
    challenge_sha256: Sha256
    """Of the control problem's `challenge.toml`."""
    runs: list[RunRecord]
    """Each run that has ended."""


class RescoredPart(_Part):
    """Where the runs come from, of an evaluation whose stored outputs were scored again."""

    evaluation: str
    """The evaluation whose outputs were scored again."""
    challenge_sha256: Sha256
    """Of the `challenge.toml` that they were executed on."""
    number: int
    """Of the rejudging; it tells several scorings of the same outputs apart."""


class Manifest(_Part):
    """The content of ``manifest.json``."""

    schema_version: Literal[1, 2, 3, 4]
    """Of this file; earlier versions are still read."""
    evaluation: str
    """Its name."""
    submission: SubmissionPart
    """What was evaluated."""
    challenge: ChallengePart
    """On what it was evaluated."""
    image: ImagePart
    """In which image."""
    n: int
    """Number of requested runs."""
    settings: dict[str, Any]
    """What the last command requested."""
    limits: dict[str, Any]
    """Of a run, as in `challenge.toml`."""
    versions: dict[str, str]
    """Of project, Python, kernel and engine, and on a GPU of its driver, when the evaluation ended."""
    seconds: float
    """Wall time spent on it, over all commands."""
    attempts: list[AttemptPart]
    """Containers that executed the runs."""
    runs: list[RunRecord]
    """Each run that has ended."""
    summary_sha256: Sha256
    """Of `summary.json`."""
    card_sha256: Sha256 | None = None
    """Of ``card.json``; None where there is no score."""
    controls: list[ControlPart] | None = None
    """Of the challenge's control problems; missing where it has none."""
    rescored: RescoredPart | None = None
    """Where the runs come from; missing where the evaluation has executed them itself."""


def render_manifest(
    *,
    evaluation: str,
    submission: Submission,
    challenge: Challenge,
    image: Image,
    n: int,
    settings: Mapping[str, Any],
    engine: Mapping[str, str],
    attempts: Sequence[AttemptRecord],
    runs: Sequence[RunRecord],
    outputs: Callable[[int], Path],
    summary: bytes,
    card: bytes | None,
    seconds: float,
    controls: Sequence[ControlRuns] = (),
) -> bytes:
    """Return the text of ``manifest.json``.

    Args:
        evaluation: Its name.
        submission: What was evaluated.
        challenge: The challenge, with the limits in force.
        image: The image of its containers.
        n: How many runs.
        settings: What the command requested.
        engine: What the engine reports, and the GPU's driver, for ``versions``.
        attempts: All of them.
        runs: As published.
        outputs: Returns the path of a run's outputs.
        summary: The content of ``summary.json``.
        card: The content of ``card.json``, if there is one.
        seconds: Wall time spent on it.
        controls: The runs on control problems.
    """
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        evaluation=evaluation,
        submission=SubmissionPart(
            name=submission.name, sha256=submission.sha256, archive_bytes=len(submission.archive)
        ),
        challenge=ChallengePart(
            name=challenge.description.name, sha256=challenge.sha256, files=challenge.description.files
        ),
        image=ImagePart(
            inputs=image.digest,
            identity=image.identity,
            platform=image.platform,
            config=image.config,
            references=list(image.references),
        ),
        n=n,
        settings=dict(settings),
        limits=challenge.description.limits.model_dump(mode="json"),
        versions={
            "project": importlib.metadata.version("unlearn"),
            "python": platform.python_version(),
            "kernel": platform.release(),
            **engine,
        },
        seconds=round(seconds, 3),
        attempts=[attempt_part(attempt) for attempt in attempts],
        runs=[with_outputs_hash(run, outputs(run.index)) for run in runs],
        summary_sha256=hashlib.sha256(summary).hexdigest(),
        card_sha256=hashlib.sha256(card).hexdigest() if card is not None else None,
        controls=[control_part(control) for control in controls] or None,
    )
    return manifest_text(manifest)


def manifest_text(manifest: Manifest) -> bytes:
    """Return the content of ``manifest.json``."""
    fields = manifest.model_dump(mode="json")
    for name in ("controls", "rescored"):  # earlier versions of this project know no such fields
        if fields[name] is None:
            del fields[name]
    return (json.dumps(fields, indent=2) + "\n").encode()


def control_part(control: ControlRuns) -> ControlPart:
    """Return the runs on a control problem as the manifest records them."""
    return ControlPart(
        evaluation=control.evaluation,
        challenge_sha256=control.challenge.sha256,
        runs=list(control.runs),
    )


def attempt_part(attempt: AttemptRecord) -> AttemptPart:
    """Return an attempt as the manifest records it."""
    return AttemptPart(
        number=attempt.number,
        begun=attempt.begun.isoformat(),
        ended=attempt.ended.isoformat() if attempt.ended is not None else None,
        outcome=attempt.outcome,
        device=attempt.device,
    )


def with_outputs_hash(run: RunRecord, outputs: Path) -> RunRecord:
    """Return a run with the hash of its outputs, which earlier versions did not record in the store."""
    if run.evaluated and not run.outputs_sha256:
        return replace(run, outputs_sha256=file_sha256(outputs) or "")
    return run


def parse_manifest(text: bytes) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        ManifestError: it is something else.
    """
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ManifestError(first_problem(error)) from error
    if manifest.schema_version == 1:
        runs = [replace(run, evaluated=run.outputs_sha256 != "") for run in manifest.runs]
        return manifest.model_copy(update={"runs": runs})
    return manifest


def name_of(manifest: Manifest) -> str:
    """Return the name that an evaluation must have by the hashes, n and settings of its manifest."""
    if manifest.rescored is not None:
        source = manifest.rescored
        return rescored_evaluation_id(source.evaluation, manifest.challenge.sha256, source.number)
    isolation, runtime, device = (
        str(manifest.settings.get(name, usual))
        for name, usual in zip(("isolation", "runtime", "device"), DEFAULT_WHERE, strict=True)
    )
    return evaluation_id(
        submission=manifest.submission.sha256,
        challenge=manifest.challenge.sha256,
        image=manifest.image.inputs,
        n=manifest.n,
        where=(isolation, runtime, device),
    )
