"""The manifest: all that a score rests on, by hash, written whole when an evaluation has ended.

Score and verdicts follow from this file and the outputs that it names; `runner.results.verification`
computes them again. Unknown or missing names are errors.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.challenge.challenge import Challenge
from runner.files import hash_file
from runner.image.image import Image
from runner.store.records import AttemptRecord, RunRecord
from runner.submission.load import Submission
from runner.validation import Sha256, first_problem
from runner.verdict import Verdict

SCHEMA_VERSION: Final = 1


class ManifestError(ValueError):
    """A file is not a manifest; the text says why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SubmissionPart(_Part):
    """What was evaluated: an archive that is kept in the store."""

    name: str
    sha256: Sha256
    archive_bytes: int


class ChallengePart(_Part):
    """On what: every file of it."""

    name: str
    sha256: Sha256
    files: dict[str, Sha256]


class ImagePart(_Part):
    """In what: the digest of the image's inputs, and the engine's own of what was built."""

    inputs: Sha256
    identity: str


class AttemptPart(_Part):
    """A container that was launched to do some of the runs."""

    number: int
    begun: str
    ended: str | None
    outcome: str | None


class RunPart(_Part):
    """A run and how it ended."""

    index: Annotated[int, Field(ge=0)]
    seed: int
    attempt: int
    verdict: Verdict
    detail: str
    host_seconds: float
    run_seconds: float
    log_bytes_dropped: int
    checkpoint_sha256: Sha256 | Literal[""]
    """Of names and values; empty without a checkpoint."""
    outputs_sha256: Sha256 | Literal[""]
    """Of the file; empty without outputs."""


class Manifest(_Part):
    """What ``manifest.json`` says."""

    schema_version: Literal[1]
    evaluation: str
    submission: SubmissionPart
    challenge: ChallengePart
    image: ImagePart
    n: int
    settings: dict[str, Any]
    """How the last command was asked to do it."""
    limits: dict[str, Any]
    versions: dict[str, str]
    """Of project, Python, kernel and engine, when the evaluation ended."""
    seconds: float
    """Wall time spent on it, over all commands."""
    attempts: list[AttemptPart]
    runs: list[RunPart]
    summary_sha256: Sha256

    def records(self) -> list[RunRecord]:
        """Return the runs as the scorer wants them."""
        return [RunRecord(**run.model_dump(), evaluated=run.outputs_sha256 != "") for run in self.runs]


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
    seconds: float,
) -> bytes:
    """Return the text of ``manifest.json``."""
    made = Manifest(
        schema_version=SCHEMA_VERSION,
        evaluation=evaluation,
        submission=SubmissionPart(
            name=submission.name, sha256=submission.sha256, archive_bytes=len(submission.archive)
        ),
        challenge=ChallengePart(
            name=challenge.description.name, sha256=challenge.sha256, files=challenge.description.files
        ),
        image=ImagePart(inputs=image.digest, identity=image.identity),
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
        runs=[run_part(run, outputs(run.index)) for run in runs],
        summary_sha256=hashlib.sha256(summary).hexdigest(),
    )
    return (json.dumps(made.model_dump(mode="json"), indent=2) + "\n").encode()


def attempt_part(attempt: AttemptRecord) -> AttemptPart:
    """Return an attempt as the manifest tells it."""
    return AttemptPart(
        number=attempt.number,
        begun=attempt.begun.isoformat(),
        ended=attempt.ended.isoformat() if attempt.ended is not None else None,
        outcome=attempt.outcome,
    )


def run_part(run: RunRecord, outputs: Path) -> RunPart:
    """Return a run as the manifest tells it; earlier versions noted no hash of its outputs."""
    digest = run.outputs_sha256
    if run.evaluated and not digest and outputs.is_file():
        digest = hash_file(outputs)
    return RunPart(
        index=run.index,
        seed=run.seed,
        attempt=run.attempt,
        verdict=run.verdict,
        detail=run.detail,
        host_seconds=run.host_seconds,
        run_seconds=run.run_seconds,
        log_bytes_dropped=run.log_bytes_dropped,
        checkpoint_sha256=run.checkpoint_sha256,
        outputs_sha256=digest,
    )


def parse_manifest(text: bytes) -> Manifest:
    """Read ``manifest.json``.

    Raises:
        ManifestError: it is something else.
    """
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise ManifestError(first_problem(error)) from error
