"""Is a GPU one submission's at a time?"""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.engine.gpu_lock import gpu_lock
from runner.errors import HostNotReadyError

ONE, OTHER = "cuda:GPU-11111111", "cuda:GPU-22222222"


@pytest.mark.parametrize(("first", "second"), [(ONE, ONE), (ONE, "all"), ("all", ONE), ("all", "all")])
def test_the_second_is_told_to_wait(tmp_path: Path, first: str, second: str) -> None:
    """Whoever asks for a GPU that is in use, alone or among all, is refused and harms nothing."""
    with gpu_lock(first, tmp_path):
        with pytest.raises(HostNotReadyError, match="wait for it"), gpu_lock(second, tmp_path):
            pass
        with pytest.raises(HostNotReadyError, match="wait for it"), gpu_lock(second, tmp_path):
            pass
    with gpu_lock(second, tmp_path):
        pass


@pytest.mark.parametrize(("first", "second"), [(ONE, OTHER), ("cpu", "cpu"), ("cpu", "all"), (ONE, "cpu")])
def test_who_does_not_meet_does_not_wait(tmp_path: Path, first: str, second: str) -> None:
    """Two GPUs, or a GPU and the CPU, are used at the same time; the CPU is shared."""
    with gpu_lock(first, tmp_path), gpu_lock(second, tmp_path):
        pass
