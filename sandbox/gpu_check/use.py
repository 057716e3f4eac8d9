"""Use a device for the first time: initialize the driver, make a context, multiply two matrices."""

from __future__ import annotations

import ctypes
from typing import Any, Final

import torch

_CUDA: Final = "libcuda.so.1"


def initialize_driver() -> tuple[int, str]:
    """Return the result of `cuInit`, 0 for success, and the driver's name and description of an error.

    Raises:
        OSError: there is no driver library.
    """
    library = ctypes.CDLL(_CUDA)
    code = int(library.cuInit(0))
    texts = []
    for function in (library.cuGetErrorName, library.cuGetErrorString):
        text = ctypes.c_char_p()
        function(code, ctypes.byref(text))
        texts.append((text.value or b"unknown").decode(errors="replace"))
    return code, "" if code == 0 else ": ".join(texts)


def start_using(device: str) -> dict[str, Any]:
    """Make this process's context on the device, and multiply two matrices there.

    Raises:
        RuntimeError: the device refuses.
    """
    result, text = initialize_driver() if device != "cpu" else (0, "")
    if result != 0:
        return {"error": f"cuInit answered {result}, {text}"}
    matrix = torch.ones(64, 64, device=device)
    total = float((matrix @ matrix).sum().item())
    assert total == 64.0**3, total
    return {"cu_init": result}
