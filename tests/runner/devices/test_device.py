"""Devices are parsed in one way, are of one class, and have to fit into the machine."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runner.challenge.limits import Limits
from runner.devices.device import Device, parse_devices, require_shares
from runner.engine.gpus.gpu_parent import classes
from runner.engine.info import EngineInfo
from runner.engine.placement import device_by_uuid, gpu_class
from runner.errors import ConfigurationError, HostNotReadyError, RunnerError, UnmetRequirementError
from runner.execution.settings import slot_limits
from runner.units import MIB

LISTED = """\
GPU 0: NVIDIA H200 (UUID: GPU-00000000-aaaa)
GPU 1: NVIDIA H200 (UUID: GPU-11111111-bbbb)
GPU 2: Tesla T4 (UUID: GPU-22222222-cccc)
"""
MIG = """\
GPU 0: NVIDIA H200 (UUID: GPU-00000000-aaaa)
  MIG 1g.18gb     Device  0: (UUID: MIG-33333333-dddd)
  MIG 1g.18gb     Device  1: (UUID: MIG-44444444-eeee)
"""


def parsed(text: str, listed: str = LISTED, cores: int = 8) -> list[Device]:
    return parse_devices(text, cores=cores, classes=lambda: classes(listed))


def test_slots_share_the_cores() -> None:
    """Each has a name of its own, and evaluations on them the name of those on the processor."""
    slots = parsed("cpu:4")
    assert [slot.name for slot in slots] == ["cpu 1/4", "cpu 2/4", "cpu 3/4", "cpu 4/4"]
    assert {(slot.requested, slot.recorded, slot.cores) for slot in slots} == {("cpu", "cpu", 2.0)}


@pytest.mark.parametrize("text", ["cuda:0,cuda:1", "GPU-00000000-aaaa, gpu-11111111-bbbb"])
def test_gpus_are_recorded_by_their_class(text: str) -> None:
    """Whichever of them is free can continue an evaluation, because it is part of its name."""
    gpus = parsed(text)
    assert [gpu.requested for gpu in gpus] == ["cuda:GPU-00000000-aaaa", "cuda:GPU-11111111-bbbb"]
    assert {(gpu.recorded, gpu.cores) for gpu in gpus} == {("cuda:NVIDIA-H200", 4.0)}
    assert gpu_class(gpus[0].recorded) == "NVIDIA-H200"


def test_all_are_the_instances_of_a_divided_gpu() -> None:
    """The GPU itself cannot be used then."""
    assert {device.recorded for device in parsed("all", MIG)} == {"cuda:NVIDIA-H200.MIG-1g.18gb"}
    assert len(parsed("all", MIG)) == 2


def test_a_class_names_all_of_its_gpus() -> None:
    """A host may have others; one that is divided cannot be used itself, and another of its model can."""
    assert [gpu.requested for gpu in parsed("cuda:NVIDIA-H200")] == [
        "cuda:GPU-00000000-aaaa",
        "cuda:GPU-11111111-bbbb",
    ]
    assert [gpu.recorded for gpu in parsed("cuda:Tesla-T4")] == ["cuda:Tesla-T4"]
    assert len(parsed("cuda:NVIDIA-H200.MIG-1g.18gb", MIG)) == 2
    assert [gpu.requested for gpu in parsed("cuda:NVIDIA-H200", MIG + LISTED[LISTED.index("GPU 1") :])] == [
        "cuda:GPU-11111111-bbbb"
    ]


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", ConfigurationError, "--devices must be"),
        ("cpu", ConfigurationError, "--devices must be"),
        ("cpu:0", ConfigurationError, "from 1 to"),
        ("cpu:9999", ConfigurationError, "from 1 to"),
        ("0,1", ConfigurationError, "--devices must be"),
        ("cuda:0,tpu", ConfigurationError, "not 'tpu'"),
        ("cuda:0,cuda:0", ConfigurationError, "twice"),
        ("cuda:0,cuda:2", ConfigurationError, "NVIDIA-H200, Tesla-T4"),
        ("cuda:7", UnmetRequirementError, "no GPU 7"),
        (
            "cuda:NVIDIA-H100",
            UnmetRequirementError,
            "no GPU of class NVIDIA-H100; it has: NVIDIA-H200, Tesla-T4",
        ),
        ("GPU-unknown", UnmetRequirementError, "no GPU GPU-unknown"),
    ],
)
def test_anything_else_is_refused(text: str, error: type[RunnerError], words: str) -> None:
    """With one sentence."""
    with pytest.raises(error, match=words):
        parsed(text)


def test_without_gpus_slots_are_offered() -> None:
    """`all` names none on such a host."""
    with pytest.raises(UnmetRequirementError, match="cpu:NUMBER"):
        parsed("all", "")


def test_slots_need_no_driver() -> None:
    """GPUs are listed only where some are named."""

    def no_driver() -> Mapping[str, str]:
        raise HostNotReadyError("nvidia-smi")

    assert len(parse_devices("cpu:2", cores=2, classes=no_driver)) == 2
    with pytest.raises(HostNotReadyError, match="nvidia-smi"):
        parse_devices("all", cores=2, classes=no_driver)


def test_a_slot_never_changes_the_cores_of_a_run() -> None:
    """It decides how many go on at once."""
    limits = Limits(cpus=4.0, concurrency=4)
    for cores, concurrency in ((0.5, 1), (1.0, 1), (2.0, 2), (3.9, 3), (64.0, 4)):
        changed = slot_limits(limits, cores)
        assert changed.concurrency == concurrency
        assert changed.cpus / changed.concurrency == 1.0
        assert changed.threads == limits.threads
    assert slot_limits(limits, None) == limits


def test_what_does_not_fit_is_refused() -> None:
    """Too few cores for a run, or too little memory for all of them together."""
    info = EngineInfo(cores=4, memory_bytes=16384 * MIB)
    limits = Limits(cpus=2.0, concurrency=2, memory_bytes=1024 * MIB)
    require_shares(parsed("cpu:4", cores=4), limits, info)
    with pytest.raises(UnmetRequirementError, match=r"0\.5 each.*at most 4"):
        require_shares(parsed("cpu:8", cores=4), limits, info)
    with pytest.raises(UnmetRequirementError, match="MiB"):
        require_shares(parsed("cpu:4", cores=4), limits.with_changes(memory_bytes=4096 * MIB), info)
    require_shares(parsed("cpu:1", cores=4), limits.with_changes(cpus=64.0), info)  # as without --devices


def test_a_class_is_no_number_and_no_uuid() -> None:
    """So each form of --device means one thing."""
    assert gpu_class("cuda:NVIDIA-H200") == "NVIDIA-H200"
    assert [gpu_class(each) for each in ("cpu", "all", "cuda:0", "cuda:GPU-00000000-aaaa")] == [None] * 4
    assert device_by_uuid("cuda:NVIDIA-H200", lambda _number: "never") == "cuda:NVIDIA-H200"
