"""Keep the zygote away from the GPU: no process that is forked from one that uses CUDA can use it."""

from __future__ import annotations


def require_unused_gpu() -> None:
    """Check that this process has not begun to use CUDA, so that its children can.

    Raises:
        RuntimeError: it has; no run that is forked from now on could use the device.
    """
    import torch  # noqa: PLC0415 - only the zygote calls this, which has imported it

    if torch.cuda.is_initialized() or torch.cuda._is_in_bad_fork():  # torch has no public question
        raise RuntimeError("the zygote has begun to use CUDA, so no run could use it")
