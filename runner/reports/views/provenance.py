"""What the result of an evaluation rests on: hashes, versions, and the command that repeats it."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import RunnerError
from runner.files import read_stored_file
from runner.reports.failures import follow_up
from runner.reports.views.report_model import Provenance
from runner.results.manifest import Manifest, ManifestError, parse_manifest
from runner.sanitize import sanitize_line
from runner.store.entries.records import Entry
from runner.store.paths import MAX_JSON_BYTES, EvaluationPaths
from runner.store.stored_evaluation import StoredEvaluation
from runner.units import duration, size_text

if TYPE_CHECKING:
    from scoring.card.card import ScoreCard


def read_manifest(paths: EvaluationPaths, sha256: str | None) -> Manifest | None:
    """Return the manifest as it was recorded; None if there is none, or if it was changed."""
    try:
        text = read_stored_file(paths.manifest, max_bytes=MAX_JSON_BYTES)
        return parse_manifest(text) if hashlib.sha256(text).hexdigest() == sha256 else None
    except (OSError, RunnerError, ManifestError):
        return None


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
        ("image inputs", evaluation.image),
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
    if manifest.image.config:
        yield "image", manifest.image.config
    yield "archive", size_text(manifest.submission.archive_bytes)


def _options(settings: Mapping[str, object]) -> Iterator[str]:
    defaults = {"isolation": "process", "runtime": "", "device": "cpu"}
    for name, default in defaults.items():
        value = settings.get(name, default)
        if value != default:
            yield from (f"--{name}", str(value))
