"""The device that is measured: whether there is one, and how much of its memory is in use."""

from __future__ import annotations

import ctypes
from typing import Any, Final

from sandbox.gpu_check.children import call_in_child

ENVIRONMENT: Final = {
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "CUDA_MODULE_LOADING": "LAZY",
    "CUDA_CACHE_DISABLE": "1",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}
"""What containers with a GPU have; and a question for the device that does not begin to use it."""
_FIRST_USE_SECONDS: Final = 90.0
_NVML: Final = "libnvidia-ml.so.1"


def find_device(device: str) -> dict[str, Any]:
    """Return name and, if torch tells it, UUID of the device that PyTorch uses first; ``error`` without one.

    A child asks: a process that has asked the driver cannot fork others that use it.
    """

    def find() -> dict[str, Any]:
        import torch  # noqa: PLC0415 - takes time that a message need not wait for

        from sandbox.gpu_check.use import initialize_driver  # noqa: PLC0415 - imports torch

        if device == "cpu":
            return {"name": "cpu"}
        code, text = initialize_driver()
        if code != 0:
            return {"error": f"cuInit answered {code}, {text}"}
        if torch.version.cuda is None or not torch.cuda.is_available():
            return {"error": f"the driver answers, but PyTorch is built for CUDA {torch.version.cuda}"}
        properties = torch.cuda.get_device_properties(0)
        uuid = getattr(properties, "uuid", None)
        return {
            "name": properties.name,
            "uuid": None if uuid is None else f"GPU-{uuid}",
            "memory_bytes": properties.total_memory,
            "count": torch.cuda.device_count(),
        }

    return call_in_child(find, _FIRST_USE_SECONDS)


class _Memory(ctypes.Structure):
    """``nvmlMemory_t``: bytes."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


class MemoryMeter:
    """Reads the memory in use of a device without a context on it."""

    def __init__(self, uuid: str | None = None) -> None:
        """Connect to the driver's management library; without a UUID, to its first device.

        Raises:
            OSError: there is none, or it does not know the device.
        """
        self._library = ctypes.CDLL(_NVML)
        self._handle = ctypes.c_void_p()
        handle = ctypes.byref(self._handle)
        self._check(self._library.nvmlInit_v2())
        by_uuid = self._library.nvmlDeviceGetHandleByUUID
        if uuid is None or by_uuid(uuid.encode(), handle) != 0:  # some drivers know only its parent
            self._check(self._library.nvmlDeviceGetHandleByIndex_v2(0, handle))

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


class NoMemoryMeter:
    """Stands in for `MemoryMeter` where memory cannot be read; on the CPU, nothing outlives a process."""

    def __init__(self, reason: str) -> None:
        """Note why."""
        self.reason = reason

    def used_bytes(self) -> int:
        """Return 0."""
        return 0


def memory_meter(device: str, uuid: str | None = None) -> MemoryMeter | NoMemoryMeter:
    """Return the meter of a device; one that reads nothing where the driver's library does not answer."""
    if device == "cpu":
        return NoMemoryMeter("the device is the CPU")
    try:
        meter = MemoryMeter(uuid)
        meter.used_bytes()
    except (OSError, AttributeError) as error:
        return NoMemoryMeter(str(error))
    return meter
