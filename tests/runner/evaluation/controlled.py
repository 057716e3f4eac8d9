"""A submission on a challenge with control problems, whose runs end as a test determines, without containers."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import tomli_w

from runner.challenge.challenge import Challenge
from runner.challenge.controls import load_controls
from runner.challenge.layout import DESCRIPTION_FILE, REFERENCES_FILE, control_folder
from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.clients.evaluator import Rejected
from runner.clients.runs import PlannedRun
from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.engine.placement import CPU
from runner.errors import SandboxLostError
from runner.evaluation import controls as control_batches
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.execution.context import EvaluationContext
from runner.execution.executor import EvaluatedRun
from runner.execution.settings import Settings
from runner.progress import NullReporter
from runner.results.summary import Summary
from runner.results.verification import verify_evaluation
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths, control_evaluation_id
from runner.store.records import EvaluationRecord
from runner.time_limits.terms import Terms
from runner.verdict import Judgement, Verdict
from tests.runner.conftest import CLASSES, FORGET_LABELS, ChallengeFolder
from tests.support.ended_evaluation import IMAGE, MINE, NoEngine
from tests.support.fake_executor import FakeExecutor, ended_run, outputs_with
from tests.support.npy import npz

N = 32
REFERENCES = 8
PART = 16
TERMS = Terms(
    machine="", wall_seconds=5.0, total_seconds=None, wall_fraction=None, retrain_seconds=1.0, feedback="full"
)


def challenge_with_controls(folder: Path, count: int = 2) -> Challenge:
    """Return a tiny challenge whose control problems differ in their seeds and references alone."""
    controls = [_challenge(control_folder(folder, number), number) for number in range(1, count + 1)]
    return _challenge(folder, 0, controls=[control.sha256 for control in controls])


def _challenge(folder: Path, seed: int, **fields: Any) -> Challenge:
    files, rng = ChallengeFolder(folder), np.random.default_rng(seed)
    logits = rng.normal(size=(REFERENCES, len(FORGET_LABELS), CLASSES)).astype(np.float32)
    files.write(
        REFERENCES_FILE,
        npz(
            logits=logits,
            correct=np.ones((REFERENCES, 4, CLASSES), np.int64),
            unseen_losses=np.ones((REFERENCES, 2), np.float32),
        ),
    )
    file = files.describe(Limits()) / DESCRIPTION_FILE
    changes = {"seed": (1 << 33) + seed, "references": REFERENCES, **fields}
    file.write_text(tomli_w.dumps({**tomllib.loads(file.read_text()), **changes}))
    return load_challenge(folder)


class Evaluated:
    """A submission on a challenge with control problems, whose runs end as a test determines."""

    def __init__(self, folder: Path, *, device: str = CPU) -> None:
        self.folder = folder / "store"
        self.challenge = challenge_with_controls(folder / "tiny challenge")
        self.controls = load_controls(self.challenge)
        self.store = open_store(self.folder, create=True)
        self.settings = Settings(n=N, keep_going=False, keep_checkpoints=False, device=device)
        self.name = evaluation_id_of(MINE, self.challenge, IMAGE, self.settings)
        self.parts = [control_evaluation_id(self.name, control.sha256) for control in self.controls]
        self.batches: list[tuple[str, list[int]]] = []
        self.failures: dict[str, Verdict] = {}
        self.rejects: set[str] = set()
        self.lost: set[str] = set()
        self.exception_type = ""

    @property
    def context(self) -> EvaluationContext:
        return EvaluationContext(
            engine=cast(Engine, NoEngine()),
            info=EngineInfo(),
            image=IMAGE,
            store=self.store,
            folder=self.folder,
            labels={},
            reporter=NullReporter(),
        )

    def new_executor(self, *, evaluation: str, challenge: Challenge, **arguments: Any) -> FakeExecutor:
        batch: list[int] = []
        self.batches.append((evaluation, batch))
        assert challenge.description.limits.wall_seconds == TERMS.wall_seconds

        def run(planned: PlannedRun) -> EvaluatedRun:
            if evaluation in self.lost:
                raise SandboxLostError("The container ended.")
            batch.append(planned.index)
            verdict = self.failures.get(evaluation, Verdict.OK)
            ended = ended_run(
                planned.index,
                verdict,
                checkpoint=challenge.data("original"),
                exception_type=self.exception_type,
                log=b"from here" if verdict is not Verdict.OK else b"",
                **(
                    {"judgement": Judgement(verdict=verdict, detail="It broke.")}
                    if verdict is not Verdict.OK
                    else {}
                ),
            )
            return EvaluatedRun(ended=ended)

        def result(index: int, _data: bytes) -> Any:
            if evaluation in self.rejects:
                return Rejected(reason="not finite")
            shapes = challenge.output_shapes
            return outputs_with(
                float(index), examples=shapes.examples, classes=shapes.classes, unseen=shapes.unseen
            )

        return FakeExecutor(run=run, evaluate=result, **arguments)

    def __call__(self, **changes: Any) -> Summary:
        self.batches.clear()
        self.store.begin(
            EvaluationRecord(
                id=self.name,
                submission_sha256=MINE.sha256,
                submission=MINE.name,
                archive_bytes=len(MINE.archive),
                challenge="tiny",
                challenge_sha256=self.challenge.sha256,
                image=IMAGE.digest,
                n=N,
            )
        )
        self.store.agree(self.name, "", TERMS.model_dump(mode="json"))
        return evaluate(
            self.context,
            MINE,
            self.challenge,
            replace(self.settings, **changes),
            new_executor=self.new_executor,
            gpu_driver=lambda: "570.1, 580.2",
        )

    def first(self, *names: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Execute the batches of these evaluations before the others."""

        class Order:
            sample = staticmethod(lambda items, _count: list(items))

            @staticmethod
            def shuffle(batches: list[Any]) -> None:
                batches.sort(key=lambda batch: (batch[0].name not in names, batch[0].name))

        monkeypatch.setattr(control_batches, "_SECRET", Order)

    @property
    def paths(self) -> EvaluationPaths:
        return EvaluationPaths(folder=self.folder / self.name)

    def mismatches(self) -> list[str]:
        return verify_evaluation(self.store, self.folder, self.name, self.challenge).mismatches
