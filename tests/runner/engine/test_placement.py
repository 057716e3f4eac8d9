"""A requested runtime or device is resolved as the engine provides it, or refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from runner.challenge.limits import Limits
from runner.engine.container_spec import evaluator_container, worker_container
from runner.engine.docker_options import docker_options
from runner.engine.info import EngineInfo
from runner.engine.placement import DEFAULT_PLACEMENT, Placement, device_by_uuid, resolve_placement
from runner.errors import ConfigurationError, HostNotReadyError

UUID = "GPU-1b2c3d4e-0000-1111-2222-333344445555"
PLAIN: dict[str, Any] = {"Runtimes": {"runc": {}, "runsc": {}}}
NVIDIA: dict[str, Any] = {"Runtimes": {"runc": {}, "nvidia": {}}}
CDI: dict[str, Any] = {"Runtimes": {"runc": {}}, "CDISpecDirs": ["/etc/cdi"]}
DISCOVERED = {**NVIDIA, "DiscoveredDevices": [{"Source": "cdi", "ID": f"nvidia.com/gpu={UUID}"}]}


def resolve(
    info: dict[str, Any], *, runtime: str = "", device: str = "cpu", required: str = "cpu"
) -> Placement:
    return resolve_placement(
        runtime=runtime, device=device, required_device=required, info=EngineInfo.of(info, {})
    )


def test_no_request_is_the_engines_default() -> None:
    """Without a runtime or a device, the engine is sent neither."""
    assert resolve(PLAIN) == DEFAULT_PLACEMENT
    spec = worker_container(image="IMAGE", limits=Limits(), labels={})
    assert not {"Runtime", "DeviceRequests"} & docker_options(spec).host_config.keys()
    assert "NVIDIA_DRIVER_CAPABILITIES" not in spec.environment


def test_a_runtime_is_passed_to_every_role() -> None:
    """Worker and evaluator get the runtime by the engine's name for it."""
    placement = resolve(PLAIN, runtime="runsc")
    worker = worker_container(image="IMAGE", limits=Limits(), labels={}, placement=placement)
    evaluator = evaluator_container(image="IMAGE", cpus=1, labels={}, placement=placement)
    assert (
        docker_options(worker).host_config["Runtime"]
        == docker_options(evaluator).host_config["Runtime"]
        == "runsc"
    )


def test_an_unknown_runtime_means_the_host_is_not_ready() -> None:
    """The sentence lists the available runtimes."""
    with pytest.raises(HostNotReadyError, match="no runtime 'kata'; it has runc, runsc"):
        resolve(PLAIN, runtime="kata")


@pytest.mark.parametrize(
    ("info", "device", "expected"),
    [
        (
            NVIDIA,
            f"cuda:{UUID}",
            {"Driver": "nvidia", "DeviceIDs": [UUID], "Capabilities": [["gpu", "compute", "utility"]]},
        ),
        (NVIDIA, "all", {"Driver": "nvidia", "Count": -1, "Capabilities": [["gpu", "compute", "utility"]]}),
        (CDI, f"cuda:{UUID}", {"Driver": "cdi", "DeviceIDs": [f"nvidia.com/gpu={UUID}"]}),
        (CDI, "all", {"Driver": "cdi", "DeviceIDs": ["nvidia.com/gpu=all"]}),
        (DISCOVERED, f"cuda:{UUID}", {"Driver": "cdi", "DeviceIDs": [f"nvidia.com/gpu={UUID}"]}),
        (
            DISCOVERED,
            "all",
            {"Driver": "nvidia", "Count": -1, "Capabilities": [["gpu", "compute", "utility"]]},
        ),
    ],
)
def test_a_gpu_is_requested_as_the_engine_offers_it(
    info: dict[str, Any], device: str, expected: dict[str, Any]
) -> None:
    """By CDI where the engine discovered the device, else by the NVIDIA runtime, else by CDI's folder."""
    placement = resolve(info, device=device, required="cuda")
    assert placement.torch_device == "cuda"
    spec = worker_container(image="IMAGE", limits=Limits(), labels={}, placement=placement)
    assert docker_options(spec).host_config["DeviceRequests"] == [expected]
    assert spec.environment["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"


def test_a_missing_gpu_means_the_host_is_not_ready() -> None:
    """Both a GPU requested on a host without one, and none requested for a challenge that needs one."""
    with pytest.raises(HostNotReadyError, match="offers no GPU"):
        resolve(PLAIN, device="all")
    with pytest.raises(HostNotReadyError, match="challenge needs a GPU"):
        resolve(NVIDIA, required="cuda")


@pytest.mark.parametrize(
    "device",
    ["gpu", "cuda:0", "cuda:-1", "cuda:00000", "cuda", "cuda:GPU-../../etc", f"{UUID}", "cuda:GPU-1 2"],
)
def test_an_invalid_device_is_wrong_usage(device: str) -> None:
    """Numbers have been resolved before (`device_by_uuid`): they depend on the order of detection."""
    with pytest.raises(ConfigurationError, match="nvidia-smi -L"):
        resolve(NVIDIA, device=device)


def test_a_number_becomes_a_uuid() -> None:
    """Only a number is looked up; what is no number is left as it is, for `resolve_placement` to judge."""
    uuids = {0: "GPU-11111111", 12: UUID}
    assert device_by_uuid("cuda:0", uuids.__getitem__) == "cuda:GPU-11111111"
    assert device_by_uuid("cuda:12", uuids.__getitem__) == f"cuda:{UUID}"
    for device in ("cpu", "all", f"cuda:{UUID}", "cuda", "cuda:-1", "cuda:0x1", "cuda:99999"):
        assert device_by_uuid(device, uuids.__getitem__) == device


def test_a_gpu_has_its_settings_in_the_environment() -> None:
    """Deterministic cuBLAS, modules loaded when used, and no cache that runs would share."""
    placement = resolve(NVIDIA, device=f"cuda:{UUID}")
    for spec in (
        worker_container(image="IMAGE", limits=Limits(), labels={}, placement=placement),
        evaluator_container(image="IMAGE", cpus=1, labels={}, placement=placement),
    ):
        assert spec.environment["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
        assert spec.environment["CUDA_MODULE_LOADING"] == "LAZY"
        assert spec.environment["CUDA_CACHE_DISABLE"] == "1"
