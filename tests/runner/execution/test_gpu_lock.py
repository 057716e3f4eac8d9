"""A GPU is used by one submission at a time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.engine.gpus.gpu_parent import gpu_by_number, parent_gpu, parents, uuids_by_number
from runner.errors import HostNotReadyError, UnmetRequirementError
from runner.execution.gpu_lock import gpu_lock

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


LISTED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-11111111)
  MIG 3g.20gb     Device  0: (UUID: MIG-aaaaaaaa)
  MIG 3g.20gb     Device  1: (UUID: MIG-bbbbbbbb)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-22222222)
  MIG 7g.40gb     Device  0: (UUID: MIG-cccccccc)
GPU 2: NVIDIA T4 (UUID: GPU-33333333)
"""


def listed_parent(mig: str) -> str:
    return parents(LISTED)[mig.lower()]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FIRST_GPU, "cuda:MIG-aaaaaaaa"),
        ("cuda:MIG-aaaaaaaa", FIRST_GPU),
        ("cuda:MIG-aaaaaaaa", "cuda:MIG-AAAAAAAA"),
        ("all", "cuda:MIG-cccccccc"),
        ("cuda:MIG-cccccccc", "all"),
    ],
)
def test_a_part_of_a_gpu_excludes_the_whole(tmp_path: Path, first: str, second: str) -> None:
    """The whole GPU and one of its MIG instances are never used at the same time."""
    with (
        gpu_lock(first, tmp_path, parent_of=listed_parent),
        pytest.raises(HostNotReadyError, match="wait for it"),
        gpu_lock(second, tmp_path, parent_of=listed_parent),
    ):
        pass


@pytest.mark.parametrize(
    ("first", "second"),
    [("cuda:MIG-aaaaaaaa", "cuda:MIG-bbbbbbbb"), ("cuda:MIG-aaaaaaaa", SECOND_GPU)],
)
def test_parts_of_a_gpu_are_used_concurrently(tmp_path: Path, first: str, second: str) -> None:
    """Two instances of one GPU, or an instance and another GPU."""
    with (
        gpu_lock(first, tmp_path, parent_of=listed_parent),
        gpu_lock(second, tmp_path, parent_of=listed_parent),
    ):
        pass


def test_the_driver_lists_the_instances_of_each_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance that it does not list, and a driver that cannot be asked, are the host's matter."""
    assert parents(LISTED) == {
        "mig-aaaaaaaa": "gpu-11111111",
        "mig-bbbbbbbb": "gpu-11111111",
        "mig-cccccccc": "gpu-22222222",
    }
    assert parents("  MIG 1g.5gb Device 0: (UUID: MIG-dddddddd)\nNo devices found.") == {}
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostNotReadyError, match="nvidia-smi -L"):
        parent_gpu("MIG-aaaaaaaa")
    driver = tmp_path / "nvidia-smi"
    driver.write_text(f"#!/bin/sh\nprintf '%s' '{LISTED}'\n")
    driver.chmod(0o755)
    assert parent_gpu("MIG-CCCCCCCC") == "gpu-22222222"
    with pytest.raises(HostNotReadyError, match="has no MIG-eeeeeeee"):
        parent_gpu("MIG-eeeeeeee")


def test_the_driver_lists_the_uuid_of_each_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that it does not list, and a driver that cannot be asked, are the host's matter."""
    assert list(uuids_by_number(LISTED)) == [0, 1, 2]
    assert uuids_by_number("No devices found.\n") == {}
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostNotReadyError, match="name the UUID"):
        gpu_by_number(0)
    driver = tmp_path / "nvidia-smi"
    driver.write_text(f"#!/bin/sh\nprintf '%s' '{LISTED}'\n")
    driver.chmod(0o755)
    assert gpu_by_number(1).lower() == "gpu-22222222"
    with pytest.raises(UnmetRequirementError, match="no GPU 7; `nvidia-smi -L` lists: 0, 1, 2"):
        gpu_by_number(7)


def test_all_users_of_a_host_share_the_locks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another home or state folder is no way around them."""
    shared = tmp_path / "locks"
    monkeypatch.setattr("runner.host_locks._SHARED_FOLDER", shared)
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
