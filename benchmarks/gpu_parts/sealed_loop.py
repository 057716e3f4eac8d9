"""Part (d): runs of a submission through the real worker, against the contest's loop in one process."""

from __future__ import annotations

import io
import platform
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.gpu_parts.filters import fit_this_machine
from benchmarks.gpu_parts.problem import SUBMISSION, Problem
from benchmarks.gpu_parts.programs import Program, ProgramEndedError, isolation
from benchmarks.gpu_parts.report import quantiles
from benchmarks.gpu_parts.worker import bare_machine
from sandbox.protocol.frames import FrameRule, ProtocolViolationError
from sandbox.protocol.jobs import WorkerJob
from sandbox.protocol.messages import from_worker

_START_SECONDS: Final = 180.0
_RUN_SECONDS: Final = 300.0
_PLAIN_RULES: Final = {
    "ready": FrameRule(fields={"seconds": float}),
    "called": FrameRule(fields={"seconds": float}),
}


def _job(problem: Problem, device: str, runs: int, first_uid: int = 10_000) -> WorkerJob:
    return WorkerJob(
        architecture=problem.architecture,
        classes=problem.classes,
        item_format="tuple",
        batch_size=problem.batch_size,
        device=device,
        concurrency=1,
        threads=1,
        runs=runs,
        first_uid=first_uid,
        first_slot_gid=2_000,
        wall_seconds=_RUN_SECONDS,
        checkpoint_bytes=1 << 30,
        log_bytes=1 << 20,
        processes=256,
    )


def _archive(source: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(source, "submission.py")
    return buffer.getvalue()


def compare_with_plain_loop(
    problem: Problem,
    device: str,
    filter_file: Path,
    *,
    runs: int,
    seconds: float,
    on_way: Callable[[dict[str, Any]], None] = lambda _values: None,
    loan: bare_machine.Loan | None = None,
) -> dict[str, Any]:
    """Return seconds of each run, sealed and plain, and the ratio of their medians.

    Plain calls come first, then sealed runs, each for half of the time at most. A context is made in every
    sealed run and once in the plain loop. ``on_way`` receives what is known after each call and each run.
    If the worker dies, the runs before are returned, with ``sealed_error``.
    ``loan`` notes what the worker is lent where it shares the machine.

    Raises:
        ProgramEndedError: the plain loop failed.
    """
    deadline = time.monotonic() + seconds
    plain: list[float] = []
    result: dict[str, Any] = {}

    def tell_plain() -> None:
        result.update(plain_seconds=quantiles(plain), plain_runs=len(plain))
        on_way(result)

    _plain(problem, device, plain, tell_plain, runs=runs, seconds=seconds / 2)
    tell_plain()
    if not fit_this_machine(filter_file.parent):
        return {**result, "sealed_skipped": f"the filters in the tree are not for {platform.machine()}"}
    before = isolation()
    if before is None and (reason := bare_machine.obstacle()) is not None:
        return {**result, "sealed_skipped": f"no namespaces of its own (unshare), and {reason}"}
    result["has_namespaces"] = before is not None
    on_way(result)
    sealed = _SealedRuns()

    def tell_sealed() -> None:
        result.update(sealed.values(plain))
        on_way(result)

    try:
        if before is not None:
            _sealed(
                *(problem, device, filter_file, sealed, tell_sealed),
                before=before,
                runs=runs,
                seconds=deadline - time.monotonic(),
            )
        else:
            with bare_machine.lent_to_worker(loan=loan) as folder:
                _sealed(
                    *(problem, device, filter_file, sealed, tell_sealed),
                    before=("env", f"TMPDIR={folder}"),
                    arguments=("bare",),
                    runs=runs,
                    seconds=deadline - time.monotonic(),
                    first_uid=bare_machine.FIRST_UID,
                )
    except (ProgramEndedError, ProtocolViolationError, OSError) as error:
        result["sealed_error"] = f"{type(error).__name__}: {error}"
    return {**result, **sealed.values(plain)}


@dataclass(slots=True)
class _SealedRuns:
    """What is known of the sealed runs so far; the worker may die at any of them."""

    by_host: list[float] = field(default_factory=list)
    by_supervisor: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    load_seconds: float | None = None
    """None until the worker is ready; then nothing else is known either."""

    def values(self, plain: list[float]) -> dict[str, Any]:
        """Return them as they are in the file; nothing of a worker that was never ready."""
        if self.load_seconds is None:
            return {}
        sealed_medians, plain_medians = quantiles(self.by_host), quantiles(plain)
        return {
            "sealed_seconds": sealed_medians,
            "sealed_runs": len(self.by_host),
            "sealed_seconds_by_supervisor": quantiles(self.by_supervisor),
            "load_seconds": self.load_seconds,
            "errors": sorted(set(self.errors)),
            "ratio": sealed_medians["median"] / plain_medians["median"] if self.by_host and plain else None,
        }


def _plain(
    problem: Problem,
    device: str,
    taken: list[float],
    tell: Callable[[], None],
    *,
    runs: int,
    seconds: float,
) -> None:
    """Append the seconds of each call, and tell after each."""
    rules = _PLAIN_RULES
    with Program("benchmarks.gpu_parts.plain_program", rules) as program:
        program.send("job", _job(problem, device, runs).to_json())
        for name in ("retain", "forget", "val"):
            program.send("data", problem.data(name), name=name)
        program.send("data", problem.original(), name="original")
        program.send("submission", SUBMISSION.read_bytes())
        program.receive_kind("ready", _START_SECONDS)
        deadline = time.monotonic() + seconds
        while len(taken) < runs and time.monotonic() < deadline:
            program.send("run", index=len(taken), seed=len(taken))
            taken.append(program.receive_kind("called", _RUN_SECONDS).number("seconds"))
            tell()


def _sealed(
    problem: Problem,
    device: str,
    filter_file: Path,
    sealed: _SealedRuns,
    tell: Callable[[], None],
    *,
    before: tuple[str, ...],
    arguments: tuple[str, ...] = (),
    runs: int,
    seconds: float,
    first_uid: int = 10_000,
) -> None:
    """Add the seconds or the error of each run, and tell after each."""
    rules = from_worker(checkpoint_bytes=1 << 30)
    module = "benchmarks.gpu_parts.worker.worker_program"
    with Program(module, rules, str(filter_file), *arguments, before=before) as program:
        program.send("job", _job(problem, device, runs, first_uid).to_json())
        for name in ("retain", "forget", "val"):
            program.send("data", problem.data(name), name=name)
        program.send("data", problem.original(), name="original")
        program.send("submission", _archive(SUBMISSION))
        sealed.load_seconds = program.receive_kind("ready", _START_SECONDS).number("seconds")
        tell()
        deadline = time.monotonic() + seconds
        for index in range(runs):
            if time.monotonic() > deadline:
                break
            began = time.monotonic()
            program.send("run", index=index, seed=index)
            finished = program.receive_kind("finished", _RUN_SECONDS)
            if finished.text("result") == "checkpoint":
                sealed.by_host.append(time.monotonic() - began)
                sealed.by_supervisor.append(finished.number("seconds"))
            else:
                reason = finished.payload.decode(errors="replace")[:2000] or finished.text("result")
                sealed.errors.append(reason)
            tell()
        program.send("stop")
