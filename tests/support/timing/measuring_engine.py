"""An engine whose trainer times retraining, and whose worker executes empty runs; neither is a process."""

from __future__ import annotations

import json

from runner.engine.container_spec import ContainerSpec
from runner.engine.info import EngineInfo
from runner.errors import RunnerError
from sandbox.protocol.frames import Frame, encode
from sandbox.protocol.messages import TO_TRAINER, TO_WORKER
from tests.support.fake_stream import Answer, FakeStream
from tests.support.worker_frames import READY, finished, raised

MEASURED = {
    "retrain_seconds": 2.0,
    "epoch_seconds": [1.0, 1.0, 1.0],
    "epochs": 2,
    "processor": "fast",
    "pause_seconds": 0.2,
}


class MeasuringEngine:
    """An engine whose trainer times three portions, and whose worker executes empty runs."""

    def __init__(
        self,
        *,
        trainer_used: list[float],
        run_used: list[float] | None = None,
        measured: dict[str, object] = MEASURED,
        fails: bool = False,
        worker_error: RunnerError | None = None,
    ) -> None:
        self._trainer_used, self._run_used = trainer_used, run_used or []
        self._measured, self._fails, self._worker_error = measured, fails, worker_error
        self.roles: list[str] = []

    def info(self) -> EngineInfo:
        return EngineInfo()

    def start(self, spec: ContainerSpec) -> FakeStream:
        self.roles.append(spec.role)
        if spec.role != "trainer" and self._worker_error is not None:
            raise self._worker_error
        return self._trainer() if spec.role == "trainer" else self._worker()

    def _trainer(self) -> FakeStream:
        def progress(done: int) -> bytes:
            return encode("progress", stage="timing retraining", done=done, total=3)

        def script(frame: Frame) -> list[Answer]:
            if frame.kind != "measure":
                return []
            steps = [progress(done) for done in (0, 0, 1, 2, 3)]
            measured = encode("measured", json.dumps(self._measured).encode())
            return [(0.0, answer) for answer in (READY, *steps, measured)]

        stream = FakeStream(script, rules=TO_TRAINER)
        stream.processor = list(self._trainer_used)
        return stream

    def _worker(self) -> FakeStream:
        end = raised if self._fails else finished

        def script(frame: Frame) -> list[Answer]:
            if frame.kind == "submission":
                return [(0.0, READY)]
            return [(0.0, end(frame.integer("index")))] if frame.kind == "run" else []

        stream = FakeStream(script, rules=TO_WORKER)
        # of each run: two looks at its beginning, one when it is over
        stream.processor = [value for used in self._run_used for value in (0.0, 0.0, used)]
        return stream
