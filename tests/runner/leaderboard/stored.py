"""A store with evaluations that have ended, on a challenge with enough references to compare them."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from runner.challenge.challenge import Challenge
from runner.challenge.layout import DESCRIPTION_FILE, REFERENCES_FILE
from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.progress import NullReporter
from runner.store.entries.records import NewEntry, Outcome
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord, RunRecord
from runner.submission.load import Submission
from runner.verdict import Verdict
from tests.runner.conftest import FORGET_LABELS, ChallengeFolder
from tests.support.ended_evaluation import NoEngine
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
        context = EvaluationContext(
            engine=cast(Engine, NoEngine()),
            info=EngineInfo(default_runtime="runc"),
            image=IMAGE,
            store=store,
            folder=folder,
            labels={},
            reporter=NullReporter(),
        )
        evaluate(context, submission, challenge, options)
    return identity


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
