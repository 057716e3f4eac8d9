"""A GPU is used by one submission at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.engine.gpu_lock import gpu_lock
from runner.errors import HostNotReadyError

FIRST_GPU, SECOND_GPU = "cuda:GPU-11111111", "cuda:GPU-22222222"


@pytest.mark.parametrize(
    ("first", "second"), [(FIRST_GPU, FIRST_GPU), (FIRST_GPU, "all"), ("all", FIRST_GPU), ("all", "all")]
)
def test_a_gpu_in_use_is_refused(tmp_path: Path, first: str, second: str) -> None:
    """A second request, for this GPU or for all, is refused and does not disturb the first."""
    with gpu_lock(first, tmp_path):
        with pytest.raises(HostNotReadyError, match="wait for it"), gpu_lock(second, tmp_path):
            pass
        with pytest.raises(HostNotReadyError, match="wait for it"), gpu_lock(second, tmp_path):
            pass
    with gpu_lock(second, tmp_path):
        pass


@pytest.mark.parametrize(
    ("first", "second"), [(FIRST_GPU, SECOND_GPU), ("cpu", "cpu"), ("cpu", "all"), (FIRST_GPU, "cpu")]
)
def test_different_devices_are_used_concurrently(tmp_path: Path, first: str, second: str) -> None:
    """Two GPUs, or a GPU and the CPU, are used at the same time; the CPU is shared."""
    with gpu_lock(first, tmp_path), gpu_lock(second, tmp_path):
        pass
