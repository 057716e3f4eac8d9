"""What `benchmarks/gpu.py` has measured with a program is there, also if the program dies on the way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from benchmarks.gpu_parts import evaluations, sealed_loop
from benchmarks.gpu_parts.filters import FOLDER
from benchmarks.gpu_parts.problem import Problem
from benchmarks.gpu_parts.programs import Program, ProgramEndedError
from sandbox.protocol.frames import Frame


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> Program:
    """Return a program of this source."""
    (folder / "program_of_a_test.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return Program("program_of_a_test", {})


def test_reading_messages_does_not_move_where_the_program_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its next messages overwrite earlier ones."""
    source = "import sys; sys.stdin.read(); sys.stderr.write('x' * 5_000 + 'END'); sys.stderr.flush()"
    with program(tmp_path, monkeypatch, source) as running:
        fd = running._messages.fileno()
        os.write(fd, b"first")
        os.lseek(fd, 2, os.SEEK_SET)
        assert running._last_words() == "first"
        assert os.lseek(fd, 0, os.SEEK_CUR) == 2
        assert running._process.stdin is not None
        running._process.stdin.close()
        with pytest.raises(ProgramEndedError, match=r"exit code 0: x{1997}END$"):
            running.receive(30.0)


class NoProblem(Problem):
    """Without data, which need PyTorch."""

    def data(self, _split: str) -> bytes:
        return b""

    def original(self) -> bytes:
        return b""


class MortalProgram:
    """Answers as a program does, and dies before a run or checkpoint of its kind."""

    dies_at: ClassVar[dict[str, int]] = {"called": 99, "finished": 99, "outputs": 99}

    def __init__(self, *_arguments: object, **_options: object) -> None:
        self.answered = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send(self, kind: str, payload: bytes = b"", **fields: object) -> None:
        pass

    def receive_kind(self, kind: str, _seconds: float) -> Frame:
        if kind != "ready":
            if self.answered == self.dies_at[kind]:
                raise ProgramEndedError("it ended with exit code 1")
            self.answered += 1
        return Frame(kind=kind, fields={"seconds": 2.0, "result": "checkpoint"})


def sealed(monkeypatch: pytest.MonkeyPatch, **dies_at: int) -> tuple[list[dict[str, Any]], Any]:
    """Return what part (d) tells on the way, and its result or error."""
    monkeypatch.setattr(MortalProgram, "dies_at", {"called": 99, "finished": 99, **dies_at})
    monkeypatch.setattr(sealed_loop, "Program", MortalProgram)
    monkeypatch.setattr(sealed_loop, "isolation", lambda: ())
    told: list[dict[str, Any]] = []
    try:
        result: Any = sealed_loop.compare_with_plain_loop(
            *(NoProblem(), "cpu", FOLDER / "all.bpf"),
            runs=5,
            seconds=60.0,
            on_way=lambda values: told.append(dict(values)),
        )
    except ProgramEndedError as error:
        result = error
    return told, result


def test_a_worker_that_dies_leaves_the_runs_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the result, with the error; and each was told on the way."""
    told, result = sealed(monkeypatch, finished=3)
    assert [values["sealed_runs"] for values in told if "sealed_runs" in values] == [0, 1, 2, 3]
    assert result["sealed_error"] == "ProgramEndedError: it ended with exit code 1"
    assert (result["sealed_runs"], result["plain_runs"]) == (3, 5)
    assert result["sealed_seconds_by_supervisor"]["median"] == 2.0
    assert result["ratio"] == result["sealed_seconds"]["median"] / 2.0


def test_a_worker_that_is_whole_leaves_all_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no error; the last values on the way are the result."""
    told, result = sealed(monkeypatch)
    assert "sealed_error" not in result
    assert result == told[-1]
    assert (result["sealed_runs"], result["plain_runs"], result["errors"]) == (5, 5, [])


def test_a_plain_loop_that_dies_leaves_its_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """As values on the way, which stay in the file beside the error."""
    told, error = sealed(monkeypatch, called=2)
    assert isinstance(error, ProgramEndedError)
    assert told[-1]["plain_runs"] == 2


@pytest.mark.parametrize(("dies_at", "one", "together"), [(0, None, None), (3, 3, None), (7, 5, 2)])
def test_an_evaluator_that_dies_leaves_its_rate(
    monkeypatch: pytest.MonkeyPatch, dies_at: int, one: int | None, together: int | None
) -> None:
    """Of as many checkpoints as it has evaluated, one at a time and together."""
    monkeypatch.setattr(MortalProgram, "dies_at", {"outputs": dies_at})
    monkeypatch.setattr(evaluations, "Program", MortalProgram)
    told: list[dict[str, Any]] = []
    with pytest.raises(ProgramEndedError):
        evaluations.measure_evaluator(
            *(NoProblem(), "cpu"),
            checkpoints=5,
            side_by_side=2,
            seconds=60.0,
            on_way=lambda values: told.append(dict(values)),
        )
    assert told[-1]["load_seconds"] == 2.0
    assert told[-1].get("one_at_a_time", {}).get("checkpoints") == one
    assert told[-1].get("side_by_side", {}).get("checkpoints") == together
