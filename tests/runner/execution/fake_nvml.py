"""NVML in memory: the functions of `nvidia-ml-py` that the runner calls, under their names.

Made from the package's source (13.615); what a real driver answers has not been captured.
"""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace


class FakeNvml:
    """A library with one GPU, whose answers a test sets."""

    NVML_ERROR_TIMEOUT = 10
    NVML_ERROR_GPU_IS_LOST = 15
    nvmlEventTypeXidCriticalError = 8  # noqa: N815 - the library's name

    class NVMLError(Exception):
        """An error of the library."""

        def __init__(self, value: int) -> None:
            super().__init__(f"error {value}")
            self.value = value

    def __init__(self, *, uuid: str = "GPU-1", total: int = 80 << 30) -> None:
        self.uuid, self.total, self.used = uuid, total, 0
        self.processes: list[tuple[int, int | None]] = []
        self.xids: deque[int] = deque()
        self.lost = False
        self.has_events = True
        self.calls: list[str] = []

    def _check(self) -> None:
        if self.lost:
            raise self.NVMLError(self.NVML_ERROR_GPU_IS_LOST)

    def nvmlInit(self) -> None:  # noqa: N802
        self.calls.append("init")

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.calls.append("shutdown")

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:  # noqa: N802
        if uuid.lower() != self.uuid.lower():
            raise self.NVMLError(6)
        return uuid

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, _mig: str) -> str:  # noqa: N802
        self.calls.append("parent")
        return "GPU-parent"

    def nvmlEventSetCreate(self) -> str:  # noqa: N802
        return "events"

    def nvmlDeviceRegisterEvents(self, _device: str, _types: int, _events: str) -> None:  # noqa: N802
        if not self.has_events:
            raise self.NVMLError(3)

    def nvmlEventSetFree(self, _events: str) -> None:  # noqa: N802
        self.calls.append("free")

    def nvmlEventSetWait_v2(self, _events: str, _milliseconds: int) -> SimpleNamespace:  # noqa: N802
        self._check()
        if not self.xids:
            raise self.NVMLError(self.NVML_ERROR_TIMEOUT)
        return SimpleNamespace(eventData=self.xids.popleft())

    def nvmlDeviceGetMemoryInfo(self, _device: str) -> SimpleNamespace:  # noqa: N802
        self._check()
        return SimpleNamespace(used=self.used, total=self.total, free=self.total - self.used)

    def nvmlDeviceGetComputeRunningProcesses(self, _device: str) -> list[SimpleNamespace]:  # noqa: N802
        self._check()
        return [SimpleNamespace(pid=pid, usedGpuMemory=size) for pid, size in self.processes]
