"""Watch a GPU while a run uses it: collect evidence for the blame, and wait until it is free again."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, Self

import psutil

from runner.clients.runs import EndedRun, PlannedRun
from runner.errors import HostNotReadyError, SandboxError, SandboxLostError
from runner.execution.containers import RunExecutor
from runner.execution.gpu_faults import (
    DEVICE_XIDS,
    GpuEvidence,
    GpuProcess,
    add_sample,
    device_fault,
    fault_of_surroundings,
    leftover_pids,
    with_evidence,
)
from runner.execution.nvml import DeviceLostError

_SAMPLE_SECONDS: Final = 0.05
_XIDS_PER_SAMPLE: Final = 100
_FREE_SECONDS: Final = 30.0
"""How long the driver may take to free the memory of a run that has ended."""
_SYSTEMD: Final = ("systemctl", "show", "--property=UnitsLoadFinishTimestampMonotonic", "--value")
_SYSTEMD_SECONDS: Final = 5.0
_LEAST_FREE_SHARE: Final = 0.02
"""Share of the host's memory below which a run on a GPU is ended, before the kernel kills anything."""


class Reader(Protocol):
    """What `runner.execution.nvml.GpuReader` tells about a device; each may raise `DeviceLostError`."""

    def memory(self) -> tuple[int, int]:
        """Return used and total bytes of the device's memory."""

    def processes(self) -> list[GpuProcess]:
        """Return the processes that use the device."""

    def next_xid(self) -> int | None:
        """Return the next error of the device, waiting for it for a moment; None if there was none."""


def units_loaded() -> str:
    """Return when systemd loaded its units last, in microseconds; empty where it cannot be asked."""
    try:
        process = subprocess.run(  # noqa: S603 - a fixed command
            _SYSTEMD, capture_output=True, text=True, timeout=_SYSTEMD_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return process.stdout.strip()


def free_host_memory() -> tuple[int, int]:
    """Return available and total bytes of this host's memory."""
    memory = psutil.virtual_memory()
    return int(memory.available), int(memory.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What is asked of the host while a run uses a GPU."""

    units_loaded: Callable[[], str] = units_loaded
    free_memory: Callable[[], tuple[int, int]] = free_host_memory
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class _Watch:
    """Samples a device in a thread of its own while a run is in progress."""

    def __init__(
        self, reader: Reader, run_uids: Container[int], host: Host, kill: Callable[[], None]
    ) -> None:
        self._reader, self._run_uids, self._host, self._kill = reader, run_uids, host, kill
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample_until_over, name="gpu-watch", daemon=True)
        self.evidence = GpuEvidence()

    def __enter__(self) -> Self:
        self._sample()  # what was reported before: only faults of the device concern this run
        self.evidence = GpuEvidence(xids=self.evidence.xids & DEVICE_XIDS.keys(), lost=self.evidence.lost)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        self._sample()  # what was reported at the very end

    def _sample_until_over(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS) and not self.evidence.lost:
            self._sample()
            free, total = self._host.free_memory()
            if free < _LEAST_FREE_SHARE * total and self.evidence.host_free_bytes is None:
                self.evidence = replace(self.evidence, host_free_bytes=free)
                self._kill()

    def _sample(self) -> None:
        try:
            used, total = self._reader.memory()
            self.evidence = add_sample(
                self.evidence,
                used_bytes=used,
                total_bytes=total,
                processes=self._reader.processes(),
                run_uids=self._run_uids,
            )
            for _ in range(_XIDS_PER_SAMPLE):
                xid = self._reader.next_xid()
                if xid is None:
                    break
                self.evidence = replace(self.evidence, xids=self.evidence.xids | {xid})
        except DeviceLostError as error:
            self.evidence = replace(self.evidence, lost=str(error))


class WatchedRuns:
    """Executes runs on a GPU through another executor, and puts the blame where the evidence does."""

    def __init__(
        self,
        client: RunExecutor,
        *,
        reader: Reader,
        run_uids: Container[int],
        kill: Callable[[], None],
        host: Host | None = None,
    ) -> None:
        """Prepare.

        Args:
            client: Executes the runs.
            reader: Of the GPU.
            run_uids: User ids of all runs.
            kill: Ends the container of the client.
            host: What is asked of the host.
        """
        self._client, self._reader, self._run_uids, self._kill = client, reader, run_uids, kill
        self._host = host or Host()
        self._units_loaded = self._host.units_loaded()

    @property
    def is_usable(self) -> bool:
        """Return whether the container can execute another run."""
        return self._client.is_usable

    def execute(self, planned: Sequence[PlannedRun]) -> Iterator[EndedRun]:
        """Execute runs one after another, and yield each as it ends.

        Raises:
            HostNotReadyError: the device has failed, or its memory does not become free: no run may use it.
            SandboxError: a run ended in a way for which host or neighbours are to blame.
        """
        for run in planned:
            self._await_free()
            ended, failure = list[EndedRun](), None
            with _Watch(self._reader, self._run_uids, self._host, self._kill) as watch:
                try:
                    ended = list(self._client.execute([run]))
                except SandboxError as error:
                    failure = error
            yield from self._blame(watch.evidence, ended, failure)

    def _blame(
        self, evidence: GpuEvidence, ended: Sequence[EndedRun], failure: SandboxError | None
    ) -> Iterator[EndedRun]:
        if reason := device_fault(evidence):
            self._kill()
            raise HostNotReadyError(
                f"The GPU has failed: {reason}. The run has no verdict and will be attempted again: reset or "
                "replace the GPU, or use another, and repeat the command to continue."
            )
        verdict = ended[0].judgement.verdict if ended else None
        evidence = replace(evidence, was_reloaded=self._host.units_loaded() != self._units_loaded)
        if reason := fault_of_surroundings(evidence, verdict):
            self._kill()
            raise SandboxLostError(reason) from failure
        if failure is not None:
            raise failure
        for each in ended:
            yield replace(each, judgement=with_evidence(each.judgement, evidence))

    def _await_free(self) -> None:
        """Wait until no process of an earlier run holds the device.

        Raises:
            HostNotReadyError: one does for too long, or the device does not answer.
        """
        deadline = self._host.clock() + _FREE_SECONDS
        try:
            while pids := leftover_pids(self._reader.processes(), self._run_uids):
                if self._host.clock() > deadline:
                    raise HostNotReadyError(
                        f"The GPU is still held by process {pids[0]} of a run that has ended, after "
                        f"{_FREE_SECONDS:g} s. Reset the GPU (nvidia-smi --gpu-reset) or restart the host, "
                        "and repeat the command to continue."
                    )
                self._host.sleep(_SAMPLE_SECONDS)
        except DeviceLostError as error:
            raise HostNotReadyError(f"NVIDIA's driver no longer answers for the GPU ({error}).") from error
