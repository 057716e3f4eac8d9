"""A GPU is used by one submission at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.engine.gpu_lock import gpu_lock
from runner.errors import HostNotReadyError

FIRST_GPU, SECOND_GPU = "cuda:GPU-11111111", "cuda:GPU-22222222"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FIRST_GPU, FIRST_GPU),
        (FIRST_GPU, FIRST_GPU.lower()),
        (FIRST_GPU, "all"),
        ("all", FIRST_GPU),
        ("all", "all"),
    ],
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


def test_all_users_of_a_host_share_the_locks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another home or state folder is no way around them."""
    shared = tmp_path / "locks"
    monkeypatch.setattr("runner.engine.gpu_lock._SHARED_FOLDER", shared)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "first"))
    with gpu_lock(FIRST_GPU):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "second"))
        monkeypatch.setenv("HOME", str(tmp_path / "second"))
        with pytest.raises(HostNotReadyError, match="wait for it"), gpu_lock(FIRST_GPU):
            pass
    assert shared.stat().st_mode & 0o7777 == 0o1777


def test_a_link_or_a_pipe_is_no_lock(tmp_path: Path) -> None:
    """The folder is open to all users: what somebody put there is not followed."""
    (tmp_path / "all").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HostNotReadyError), gpu_lock("all", tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()
    (tmp_path / "all").unlink()
    os.mkfifo(tmp_path / "all")
    with pytest.raises(HostNotReadyError, match="not a regular file"), gpu_lock("all", tmp_path):
        pass
