"""A store with evaluations that have ended, on a challenge with enough references to compare them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.challenge.challenge import Challenge
from runner.challenge.layout import DESCRIPTION_FILE, REFERENCES_FILE
from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.evaluation.evaluate import evaluation_id_of
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.results.manifest import render_manifest
from runner.results.scoring import load_populations
from runner.results.summarize import summarize
from runner.store.entries.records import NewEntry, Outcome
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord, RunRecord
from runner.store.store import Store
from runner.submission.load import Submission
from runner.time_limits.terms import resolve_terms
from runner.verdict import Verdict
from scoring.card.version import SCHEMA_VERSION
from scoring.published.score import published_score
from tests.runner.conftest import FORGET_LABELS, ChallengeFolder
from tests.support.npy import npz

RUNS: Final = 32
REFERENCES: Final = 32
IMAGE: Final = Image(digest="b" * 64, identity="sha256:1")


def networks(seed: int, count: int, shift: float) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return logits and right answers of networks whose margins lie ``shift`` too high."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, 3, 2)).astype(np.float32)
    logits[:, np.arange(3), FORGET_LABELS] += np.float32(shift)
    return logits, np.ones((count, 4, 2), np.int64)


def challenge_in(folder: Path, *, seed: int = 0) -> Challenge:
    """Write a challenge with 32 references; others for another seed."""
    files = ChallengeFolder(folder)
    logits, correct = networks(seed, REFERENCES, 0.0)
    losses = np.ones((REFERENCES, 2), np.float32)
    files.write(REFERENCES_FILE, npz(logits=logits, correct=correct, unseen_losses=losses))
    files.describe(Limits())
    description = folder / DESCRIPTION_FILE
    text = description.read_text()
    assert "references = 3\n" in text
    description.write_text(text.replace("references = 3\n", f"references = {REFERENCES}\n"))
    return load_challenge(folder)


def add_evaluation(
    folder: Path,
    challenge: Challenge,
    name: str,
    *,
    shift: float = 0.0,
    n: int = RUNS,
    verdict: Verdict = Verdict.OK,
    detail: str = "",
    names: tuple[str, ...] = (),
    **settings: Any,
) -> str:
    """Store an evaluation whose runs have ended, and finish it without an engine; return its name.

    Args:
        folder: Of the store.
        challenge: On which it is.
        name: Of the submission, and of its entry.
        shift: How far its networks are from the references.
        n: Number of runs.
        verdict: Of the last run.
        detail: Of the last run.
        names: Of other entries with the same content.
        settings: Of the evaluation, such as the isolation.
    """
    archive = name.encode("utf-8", "surrogatepass")
    submission = Submission(name=name, sha256=hashlib.sha256(archive).hexdigest(), archive=archive)
    options = Settings(n=n, keep_going=True, keep_checkpoints=False, **settings)
    identity = evaluation_id_of(submission, challenge, IMAGE, options)
    with closing(open_store(folder, create=True)) as store:
        store.begin(
            EvaluationRecord(
                id=identity,
                submission_sha256=submission.sha256,
                submission=name,
                archive_bytes=len(archive),
                challenge=challenge.description.name,
                challenge_sha256=challenge.sha256,
                image=IMAGE.digest,
                n=n,
                challenge_folder=str(challenge.folder),
            )
        )
        entries = [
            NewEntry(
                name=each,
                path=each,
                folder="/",
                content_sha256=submission.sha256,
                challenge=challenge.description.name,
                challenge_sha256=challenge.sha256,
                n=n,
                evaluation=identity,
            )
            for each in (name, *names)
        ]
        store.record_entries(f"command {name!r}", entries)
        attempt = store.begin_attempt(identity)
        paths = EvaluationPaths(folder=folder / identity)
        paths.outputs(0).parent.mkdir(parents=True)
        logits, correct = networks(int(submission.sha256[:8], 16), n, shift)
        for index in range(n):
            ended_well = verdict is Verdict.OK or index < n - 1
            store.publish(
                identity,
                RunRecord(
                    index=index,
                    seed=challenge.run_seed(index),
                    attempt=attempt,
                    verdict=Verdict.OK if ended_well else verdict,
                    detail="" if ended_well else detail,
                    host_seconds=1.25,
                    run_seconds=1.0,
                    checkpoint_sha256=hashlib.sha256(archive + bytes([index])).hexdigest()
                    if ended_well
                    else "",
                    log_bytes_dropped=0,
                ),
            )
            if ended_well:
                outputs = pack_outputs(
                    NetworkOutputs(
                        logits=logits[index], correct=correct[index], unseen_losses=np.ones(2, np.float32)
                    )
                )
                paths.outputs(index).write_bytes(outputs)
                digest = hashlib.sha256(outputs).hexdigest()
                store.mark_evaluated(identity, index, outputs_sha256=digest)
        store.end_attempt(identity, attempt, "done")
        finish(store, paths, challenge, submission, options, identity)
    return identity


def finish(
    store: Store,
    paths: EvaluationPaths,
    challenge: Challenge,
    submission: Submission,
    settings: Settings,
    name: str,
) -> None:
    """End an evaluation as the command does, but with a card of the published figures alone, which is quick."""
    terms = resolve_terms(challenge.description.limits, challenge.description.feedback)
    store.agree(name, terms.machine, terms.model_dump(mode="json"))
    runs = store.runs(name)
    card: Any = None
    if all(run.verdict is Verdict.OK for run in runs):
        unlearned, references = load_populations(challenge, runs, paths.outputs)
        published = published_score(
            unlearned_logits=unlearned.logits,
            reference_logits=references.logits,
            labels=unlearned.labels,
            unlearned_accuracies=unlearned.accuracies(),
            reference_accuracies=references.accuracies(),
        )
        parts = dict.fromkeys(("uncertainty", "ceiling", "share_of_ceiling"))
        card = SimpleNamespace(published=published, flags=(), **parts)
    summary = summarize(
        evaluation=name,
        submission=submission.name,
        challenge=challenge,
        n=settings.n,
        runs=runs,
        seconds=1.0,
        card=card,
    )
    version = 1 if name == "nearly" else SCHEMA_VERSION  # cards of both have the same score
    card_text = json.dumps({"schema_version": version}).encode() if card is not None else None
    manifest = render_manifest(
        evaluation=name,
        submission=submission,
        challenge=challenge,
        image=IMAGE,
        n=settings.n,
        settings=settings.for_record(),
        engine={"runtime": "runc"},
        attempts=store.attempts(name),
        runs=runs,
        outputs=paths.outputs,
        summary=summary.to_bytes(),
        card=card_text,
        seconds=1.0,
    )
    paths.manifest.write_bytes(manifest)
    if card_text is not None:
        paths.card.write_bytes(card_text)
    digest = hashlib.sha256(manifest).hexdigest()
    store.finish(name, summary.to_json(), manifest_sha256=digest, outcome=summary.outcome)


def add_refused(folder: Path, challenge: Challenge, name: str, reason: str) -> None:
    """Record an entry whose files are no submission."""
    with closing(open_store(folder, create=True)) as store:
        entry = NewEntry(
            name=name,
            path=name,
            folder="/",
            content_sha256=None,
            challenge=challenge.description.name,
            challenge_sha256=challenge.sha256,
            n=RUNS,
            evaluation=None,
            outcome=Outcome.REFUSED,
            reason=reason,
        )
        store.record_entries(f"command {name!r}", [entry])


def sql(folder: Path, statement: str, *values: object) -> list[Any]:
    """Execute a statement on the database of a store."""
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection, connection:
        return connection.execute(statement, values).fetchall()
