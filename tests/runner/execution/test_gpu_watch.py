"""On a GPU, evidence from the driver decides who is to blame; nothing of it is proven on a GPU yet."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from runner.clients.runs import EndedRun, PlannedRun
from runner.engine.placement import GpuRequest
from runner.errors import HostNotReadyError, SandboxLostError
from runner.execution.gpu_faults import (
    DEVICE_XIDS,
    SUBMISSION_XIDS,
    GpuEvidence,
    GpuProcess,
    device_fault,
    fault_of_surroundings,
    leftover_pids,
    with_evidence,
)
from runner.execution.gpu_watch import Host, WatchedRuns
from runner.execution.nvml import GpuReader, open_gpu, real_uid
from runner.progress import NullReporter
from runner.verdict import Judgement, Verdict
from tests.runner.execution.fake_nvml import FakeNvml
from tests.support.fake_executor import ended_run

RUN, EVALUATOR, GONE = 100, 200, 300
UIDS = range(5000, 5010)
GIB = 1 << 30


def uid_of(pid: int) -> int | None:
    return {RUN: 5003, EVALUATOR: 65534}.get(pid)


class Client:
    """Ends each run with a verdict, after doing something to the device."""

    is_usable = True

    def __init__(self, verdict: Verdict | None, during: Callable[[], None] = lambda: None) -> None:
        self._verdict, self._during = verdict, during
        self.executed = 0

    def execute(self, planned: Sequence[PlannedRun]) -> Iterator[EndedRun]:
        self.executed += 1
        self._during()
        time.sleep(0.15)
        if self._verdict is None:
            raise SandboxLostError("The worker container ended in mid-run.")
        yield ended_run(planned[0].index, self._verdict)


class Killed(list[bool]):
    """Counts how often the container was ended."""

    def __call__(self) -> None:
        self.append(True)


def execute(
    library: FakeNvml, client: Client, host: Host | None = None, killed: Killed | None = None
) -> EndedRun:
    killed = Killed() if killed is None else killed
    steady = Host(units_loaded=lambda: "1", free_memory=lambda: (GIB, GIB))
    with GpuReader(library, "GPU-1", uid_of=uid_of) as reader:
        runs = WatchedRuns(client, reader=reader, run_uids=UIDS, kill=killed, host=host or steady)
        (ended,) = runs.execute([PlannedRun(index=0, seed=0)])
        return ended


@pytest.mark.parametrize("xid", sorted(DEVICE_XIDS))
@pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.CRASHED, None])
def test_a_fault_of_the_device_is_no_fault_of_the_run(xid: int, verdict: Verdict | None) -> None:
    """Whatever the run's end looks like, it has no verdict, and the device is used no more."""
    library, killed = FakeNvml(), Killed()
    with pytest.raises(HostNotReadyError, match=f"The GPU has failed: Xid {xid}"):
        execute(library, Client(verdict, lambda: library.xids.append(xid)), killed=killed)
    assert killed


@pytest.mark.parametrize("xid", sorted(SUBMISSION_XIDS))
def test_an_error_of_the_program_is_the_runs(xid: int) -> None:
    """The verdict stays, and the explanation names the error."""
    library = FakeNvml()
    ended = execute(library, Client(Verdict.CRASHED, lambda: library.xids.append(xid)))
    assert ended.judgement.verdict is Verdict.CRASHED
    assert f"Xid {xid}" in ended.judgement.detail


@pytest.mark.parametrize("xid", [13, 31, 43])
def test_an_error_from_before_the_run_is_not_the_runs(xid: int) -> None:
    """It was reported after its own run had ended."""
    library = FakeNvml()
    library.xids.append(xid)
    assert execute(library, Client(Verdict.CRASHED)).judgement.detail == ""


def test_a_fault_of_the_device_before_the_run_counts() -> None:
    """A run must not be executed to its end on a device that has failed."""
    library = FakeNvml()
    library.xids.append(79)
    with pytest.raises(HostNotReadyError, match="Xid 79"):
        execute(library, Client(Verdict.OK))


def test_a_device_that_is_lost_is_a_fault_of_the_host() -> None:
    """The driver no longer answers for it."""
    library = FakeNvml()
    with pytest.raises(HostNotReadyError, match="no longer answers"):
        execute(library, Client(Verdict.CRASHED, lambda: setattr(library, "lost", True)))


@pytest.mark.parametrize(
    ("verdict", "is_fault_of_host"),
    [(Verdict.CRASHED, True), (Verdict.NO_FUNCTION, True), (Verdict.OK, False), (Verdict.TIME_LIMIT, False)],
)
def test_a_reload_of_the_hosts_units(verdict: Verdict, is_fault_of_host: bool) -> None:
    """It can take the device away, so a run that failed then is attempted again."""
    loaded = iter(["1", "2", "2"])
    host = Host(units_loaded=lambda: next(loaded), free_memory=lambda: (GIB, GIB))
    if not is_fault_of_host:
        assert execute(FakeNvml(), Client(verdict), host).judgement.verdict is verdict
        return
    with pytest.raises(SandboxLostError, match="systemd reloaded"):
        execute(FakeNvml(), Client(verdict), host)


def test_a_run_is_ended_before_the_host_is_out_of_memory() -> None:
    """The container is ended, and the reason names the memory."""
    killed = Killed()
    host = Host(units_loaded=lambda: "", free_memory=lambda: (GIB // 100, GIB))
    with pytest.raises(SandboxLostError, match=r"The host had only .* of memory left"):
        execute(FakeNvml(), Client(None), host, killed)
    assert killed


def test_a_lack_of_memory_that_others_hold_is_not_the_runs() -> None:
    """A run that uses the device's memory itself is to blame, whatever its error says."""
    library = FakeNvml(total=8 * GIB)

    def use(run: int, others: int) -> Callable[[], None]:
        def during() -> None:
            library.processes = [(RUN, run * GIB), (EVALUATOR, others * GIB)]
            library.used = (run + others) * GIB

        return during

    def gone() -> Client:
        library.processes = []
        return Client(Verdict.GPU_MEMORY_LIMIT, use(4, 4))

    with pytest.raises(SandboxLostError, match="while other processes held 4"):
        execute(library, gone())
    library.processes = []
    ended = execute(library, Client(Verdict.GPU_MEMORY_LIMIT, use(8, 0)))
    assert ended.judgement.verdict is Verdict.GPU_MEMORY_LIMIT
    assert "at most 8" in ended.judgement.detail


def test_runs_that_cannot_be_recognized_excuse_nobody() -> None:
    """Where user ids are mapped, every process looks like a stranger's."""
    evidence = GpuEvidence(total_bytes=8 * GIB, foreign_bytes=8 * GIB)
    assert fault_of_surroundings(evidence, Verdict.GPU_MEMORY_LIMIT) == ""


def test_the_next_run_waits_until_the_device_is_free() -> None:
    """The evaluator may stay; a process of a run must go, and one that stays ends the command."""
    library, now, client = FakeNvml(), [0.0], Client(Verdict.OK)
    library.processes = [(RUN, GIB), (EVALUATOR, GIB)]

    def leaves_after(seconds: float) -> Callable[[float], None]:
        def sleep(wait: float) -> None:
            now[0] += wait
            if now[0] > seconds:
                library.processes = [(EVALUATOR, GIB)]

        return sleep

    def host(seconds: float) -> Host:
        return Host(
            units_loaded=lambda: "",
            free_memory=lambda: (GIB, GIB),
            clock=lambda: now[0],
            sleep=leaves_after(seconds),
        )

    assert execute(library, client, host(20)).judgement.verdict is Verdict.OK
    library.processes, now[0] = [(RUN, GIB)], 0.0
    with pytest.raises(HostNotReadyError, match="still held by process 100"):
        execute(library, client, host(40))
    assert client.executed == 1


def test_a_process_that_is_gone_still_counts_as_the_runs() -> None:
    """The driver may list it longer than the kernel does."""
    uids: dict[int, int] = {GONE: 5001}
    library = FakeNvml()
    library.processes = [(GONE, None)]
    with GpuReader(library, "GPU-1", uid_of=uids.get) as reader:
        reader.processes()
        uids.clear()
        assert leftover_pids(reader.processes(), UIDS) == [GONE]
    assert leftover_pids([GpuProcess(pid=1, uid=None, memory_bytes=0)], UIDS) == []


@pytest.mark.parametrize("evidence", [GpuEvidence(), GpuEvidence(xids=frozenset({13, 63}))])
def test_without_evidence_nothing_changes(evidence: GpuEvidence) -> None:
    """Errors that are in no table change no verdict."""
    judgement = Judgement(verdict=Verdict.OK, detail="remark")
    assert device_fault(evidence) == ""
    assert fault_of_surroundings(evidence, Verdict.CRASHED) == ""
    assert with_evidence(judgement, evidence) == judgement


def test_the_reader_opens_and_closes_the_library() -> None:
    """An instance of a partitioned GPU reports the errors of the whole; some devices report none."""
    library = FakeNvml(uuid="MIG-1")
    with GpuReader(library, "MIG-1") as reader:
        assert reader.reports_errors
    assert library.calls == ["init", "parent", "free", "shutdown"]
    library.has_events = False
    with GpuReader(library, "MIG-1") as reader:
        assert not reader.reports_errors
        assert reader.next_xid() is None
    with pytest.raises(HostNotReadyError, match="does not answer for GPU-2"):
        GpuReader(library, "GPU-2")


def test_what_cannot_be_watched_is_reported() -> None:
    """Without the package, and for all GPUs together; on the CPU nothing is loaded."""

    class Notes(NullReporter):
        def __init__(self) -> None:
            self.steps: list[str] = []

        def step(self, text: str) -> None:
            self.steps.append(text)

    notes = Notes()
    chosen = GpuRequest(name="GPU-1", by_cdi=True)
    assert open_gpu(None, notes) is None
    assert notes.steps == []
    assert open_gpu(chosen, notes, load=lambda: None) is None
    assert open_gpu(GpuRequest(name="all", by_cdi=True), notes, load=FakeNvml) is None
    assert len(notes.steps) == 2
    assert isinstance(open_gpu(chosen, notes, load=FakeNvml), GpuReader)


def test_user_ids_of_processes() -> None:
    """Read from the kernel; None for a process that is gone."""
    assert real_uid(os.getpid()) == os.getuid()
    assert real_uid(2**22 + 1) is None
