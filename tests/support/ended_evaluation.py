"""Create an evaluation that has ended, without containers: its runs and files, scored as by the command."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from safetensors.numpy import save as save_network

from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.execution.context import EvaluationContext
from runner.execution.evaluator_queue import EVALUATOR_FAILED_TWICE
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.parsers.checkpoint import content_sha256
from runner.progress import NullReporter
from runner.results.summary import Summary
from runner.results.verification import verify_evaluation
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord, RunRecord
from runner.store.store import Store
from runner.submission.load import Submission
from runner.verdict import Verdict

ARCHIVE = b"an archive"
MINE = Submission(name="mine", sha256=hashlib.sha256(ARCHIVE).hexdigest(), archive=ARCHIVE)
IMAGE = Image(digest="b" * 64, identity="sha256:1")
N = 4


class NoEngine:
    """An engine that reports itself and starts nothing."""

    def info(self) -> EngineInfo:
        return EngineInfo()


@dataclass
class Ended:
    """An evaluation that has ended, with the checkpoints of all its runs."""

    store: Store
    folder: Path
    name: str
    challenge: Challenge
    summary: Summary

    @property
    def paths(self) -> EvaluationPaths:
        return EvaluationPaths(folder=self.folder / self.name)

    def mismatches(self, challenge: Challenge | str | None = None) -> list[str]:
        return verify_evaluation(self.store, self.folder, self.name, challenge or self.challenge).mismatches

    def sql(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / DATABASE_FILE)) as connection, connection:
            connection.execute(statement)


def network(index: int) -> bytes:
    rng = np.random.default_rng(index)
    return save_network(
        {"weight": rng.normal(size=(2, 3)).astype(np.float32), "bias": np.zeros(2, np.float32)}
    )


def record(name: str, challenge: Challenge, submission: Submission = MINE) -> EvaluationRecord:
    return EvaluationRecord(
        id=name,
        submission_sha256=submission.sha256,
        submission=submission.name,
        archive_bytes=len(submission.archive),
        challenge=challenge.description.name,
        challenge_sha256=challenge.sha256,
        image=IMAGE.digest,
        n=N,
    )


def publish(store: Store, folder: Path, name: str, challenge: Challenge, blamed: int | None = None) -> None:
    """Publish N runs with their files, as if containers had executed them.

    The checkpoint of run ``blamed`` is rejected because evaluators failed with it; no later one is evaluated.
    """
    paths = EvaluationPaths(folder=folder / name)
    attempt = store.begin_attempt(name)
    for index in range(N):
        rng = np.random.default_rng(index)
        checkpoint = network(index)
        outputs = pack_outputs(
            NetworkOutputs(
                logits=rng.normal(size=(3, 2)).astype(np.float32),
                correct=rng.integers(0, 2, size=(4, 2)),
                unseen_losses=rng.random(2).astype(np.float32),
                probes={
                    kind: rng.normal(size=shape).astype(np.float32)
                    for kind, shape in challenge.output_shapes.probes.items()
                },
            )
        )
        files = {paths.checkpoint(index): checkpoint, paths.outputs(index): outputs}
        if blamed is not None and index >= blamed:
            del files[paths.outputs(index)]
        for path, data in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        store.publish(
            name,
            RunRecord(
                index=index,
                seed=challenge.run_seed(index),
                attempt=attempt,
                verdict=Verdict.OK,
                detail="",
                host_seconds=1.25,
                run_seconds=1.0,
                checkpoint_sha256=content_sha256(checkpoint),
                log_bytes_dropped=0,
            ),
        )
        if index == blamed:
            store.reject(name, index, EVALUATOR_FAILED_TWICE)
        elif paths.outputs(index) in files:
            store.mark_evaluated(name, index, outputs_sha256=hashlib.sha256(outputs).hexdigest())
    store.end_attempt(name, attempt, "done")


@contextmanager
def ending(folder: Path, challenge: Challenge, blamed: int | None = None) -> Iterator[Ended]:
    """Yield an evaluation that has ended; it has no engine that could execute more runs."""
    with closing(open_store(folder, create=True)) as store:
        name = evaluation_id_of(
            MINE, challenge, IMAGE, Settings(n=N, keep_going=False, keep_checkpoints=True)
        )
        store.begin(record(name, challenge))
        publish(store, folder, name, challenge, blamed)
        context = EvaluationContext(
            engine=cast(Engine, NoEngine()),
            info=EngineInfo(),
            image=IMAGE,
            store=store,
            folder=folder,
            labels={},
            reporter=NullReporter(),
        )
        settings = Settings(n=N, keep_going=False, keep_checkpoints=True)
        summary = evaluate(context, MINE, challenge, settings)
        yield Ended(store=store, folder=folder, name=name, challenge=challenge, summary=summary)


def change(file: Path) -> None:
    """Change the last byte of a file."""
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def edit(file: Path, **values: object) -> None:
    """Change fields of a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}, indent=2) + "\n")
