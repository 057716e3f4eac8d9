"""Ask NVIDIA's driver about a GPU through its management library (NVML), from the host.

The library belongs to the optional package `nvidia-ml-py` (``pip install unlearn[gpu]``), which is loaded
when a GPU is used. Written from its documentation; not yet proven on a GPU.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from runner.engine.placement import ALL_GPUS, GpuRequest
from runner.errors import HostNotReadyError
from runner.execution.gpu_faults import GpuProcess
from runner.progress import Reporter

_MODULE: Final = "pynvml"
_EVENT_MILLISECONDS: Final = 50


class DeviceLostError(Exception):
    """The driver no longer answers for the device."""


def load_nvml() -> Any | None:  # noqa: ANN401 - a module without types
    """Return the module of `nvidia-ml-py`; None if it is not installed."""
    try:
        return importlib.import_module(_MODULE)
    except ImportError:
        return None


class GpuReader:
    """Reads memory, processes and errors of one GPU or MIG instance.

    Use as a context manager: leaving closes the library.
    """

    def __init__(
        self,
        library: Any,  # noqa: ANN401 - a module without types
        uuid: str,
        *,
        uid_of: Callable[[int], int | None] | None = None,
    ) -> None:
        """Open the device.

        Args:
            library: As `load_nvml` returns it.
            uuid: Of a GPU or of a MIG instance.
            uid_of: Returns the real user id of a process of this host, None if there is no such process.

        Raises:
            HostNotReadyError: the driver cannot be asked about the device.
        """
        self._library, self._uid_of = library, uid_of or real_uid
        self._uids: dict[int, int] = {}
        try:
            library.nvmlInit()
            self._device = library.nvmlDeviceGetHandleByUUID(uuid)
        except library.NVMLError as error:
            raise HostNotReadyError(
                f"NVIDIA's driver does not answer for {uuid} ({error}); see whether `nvidia-smi` lists it."
            ) from error
        self._events = self._register(uuid)

    def _register(self, uuid: str) -> Any | None:  # noqa: ANN401 - a handle
        """Return a set of events that receives the device's errors; None if it reports none."""
        library = self._library
        try:
            whole = self._device
            if uuid.lower().startswith("mig-"):
                whole = library.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(whole)
            events = library.nvmlEventSetCreate()
            library.nvmlDeviceRegisterEvents(whole, library.nvmlEventTypeXidCriticalError, events)
        except library.NVMLError:
            return None
        return events

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the library."""
        with contextlib.suppress(self._library.NVMLError):
            if self._events is not None:
                self._library.nvmlEventSetFree(self._events)
            self._library.nvmlShutdown()

    @property
    def reports_errors(self) -> bool:
        """Return whether the device reports errors (Xid)."""
        return self._events is not None

    def memory(self) -> tuple[int, int]:
        """Return used and total bytes of the device's memory.

        Raises:
            DeviceLostError: the driver no longer answers for it.
        """
        info = self._ask(self._library.nvmlDeviceGetMemoryInfo)
        return int(info.used), int(info.total)

    def processes(self) -> list[GpuProcess]:
        """Return the processes that use the device.

        Raises:
            DeviceLostError: the driver no longer answers for it.
        """
        listed = self._ask(self._library.nvmlDeviceGetComputeRunningProcesses)
        return [
            GpuProcess(
                pid=int(each.pid), uid=self._uid(int(each.pid)), memory_bytes=int(each.usedGpuMemory or 0)
            )
            for each in listed
        ]

    def next_xid(self) -> int | None:
        """Return the next error of the device, waiting for it for a moment; None if there was none.

        Raises:
            DeviceLostError: the driver no longer answers for it.
        """
        if self._events is None:
            return None
        library = self._library
        try:
            return int(library.nvmlEventSetWait_v2(self._events, _EVENT_MILLISECONDS).eventData)
        except library.NVMLError as error:
            if error.value == library.NVML_ERROR_TIMEOUT:
                return None
            raise DeviceLostError(str(error)) from error

    def _ask(self, question: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - what the library returns
        try:
            return question(self._device)
        except self._library.NVMLError as error:
            raise DeviceLostError(str(error)) from error

    def _uid(self, pid: int) -> int | None:
        uid = self._uid_of(pid)
        if uid is not None:
            self._uids[pid] = uid
        return self._uids.get(pid)


def open_gpu(
    request: GpuRequest | None,
    reporter: Reporter,
    *,
    load: Callable[[], Any | None] = load_nvml,
) -> GpuReader | None:
    """Return a reader of the GPU that runs use; None on the CPU, and with a note where nothing can watch it.

    Raises:
        HostNotReadyError: the driver cannot be asked about the device.
    """
    if request is None:
        return None
    library = load()
    if library is None:
        reporter.step("GPU not watched: its errors count as the runs'; pip install nvidia-ml-py")
        return None
    if request.name == ALL_GPUS:
        reporter.step("GPU not watched: its errors count as the runs'; choose one GPU with --device cuda:0")
        return None
    return GpuReader(library, request.name)


def real_uid(pid: int) -> int | None:
    """Return the real user id of a process; None if there is no such process."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("Uid:")), None)
