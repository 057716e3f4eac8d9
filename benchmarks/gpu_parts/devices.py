"""How much of a device's memory is in use."""

from __future__ import annotations

import ctypes
from typing import Final

_NVML: Final = "libnvidia-ml.so.1"


class _Memory(ctypes.Structure):
    """``nvmlMemory_t``: bytes."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class MemoryMeter:
    """Reads the memory in use of a device without a context on it."""

    def __init__(self, index: int = 0) -> None:
        """Connect to the driver's management library.

        Raises:
            OSError: there is none, or it does not know the device.
        """
        self._library = ctypes.CDLL(_NVML)
        self._handle = ctypes.c_void_p()
        self._check(self._library.nvmlInit_v2())
        self._check(self._library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(self._handle)))

    def used_bytes(self) -> int:
        """Return the memory in use, by all processes and the driver itself.

        Raises:
            OSError: the library refuses to answer.
        """
        memory = _Memory()
        self._check(self._library.nvmlDeviceGetMemoryInfo(self._handle, ctypes.byref(memory)))
        return int(memory.used)

    @staticmethod
    def _check(result: int) -> None:
        if result != 0:
            raise OSError(f"{_NVML} answered {result}")


class ProcessMemoryMeter:
    """Stands in for `MemoryMeter` where the device is the CPU: nothing outlives a process there."""

    def used_bytes(self) -> int:
        """Return 0."""
        return 0


def memory_meter(device: str) -> MemoryMeter | ProcessMemoryMeter:
    """Return the meter of a device.

    Raises:
        OSError: the driver's management library is not there.
    """
    return ProcessMemoryMeter() if device == "cpu" else MemoryMeter()
