"""Doctor's findings about a GPU, from texts written by hand after NVIDIA's documentation; none is a capture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runner.doctor.findings import Status
from runner.doctor.gpu import examine_gpu
from runner.doctor.gpu_facts import GpuFacts, Node, cdi_problem, device_nodes, read_text, run_text

UUID = "GPU-11111111-2222-3333-4444-555555555555"
MIG = "MIG-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
LISTING = f"GPU 0: NVIDIA H100 80GB HBM3 (UUID: {UUID})\n"
PARTS = LISTING + f"  MIG 1g.10gb     Device  0: (UUID: {MIG})\n"
QUERY = f"{UUID}, NVIDIA H100 80GB HBM3, 580.65.06, Enabled, Default, Disabled\n"
NODES = tuple(
    Node(path=f"/dev/{name}", mode=0o666, group="root") for name in ("nvidia0", "nvidia-uvm", "nvidiactl")
)
GOOD = GpuFacts(
    uuid=UUID,
    query=QUERY,
    listing=LISTING,
    driver_parameters='RegistryDwords: ""\nDeviceFileMode: 438\n',
    modules="nvidia_uvm 2000000 0 - Live 0x0\nnvidia 9000000 1 nvidia_uvm, Live 0x0\n",
    nodes=NODES,
    toolkit="NVIDIA Container Toolkit CLI version 1.20.1\ncommit: 0",
    is_watchable=True,
)


def statuses(facts: GpuFacts) -> dict[str, Status]:
    return {finding.id: finding.status for finding in examine_gpu(facts)}


def test_a_host_as_it_should_be() -> None:
    """Only the driver's advisories remain to be compared by hand."""
    expected = dict.fromkeys(statuses(GOOD), Status.OK)
    assert statuses(GOOD) == {**expected, "gpu-driver": Status.WARNING, "gpu-mig": Status.NOT_AVAILABLE}
    device = examine_gpu(GOOD)[0]
    assert "not yet proven on a GPU" in device.observation


def with_node(mode: int, group: str) -> tuple[Node, ...]:
    return (replace(NODES[0], mode=mode, group=group), *NODES[1:])


CASES = [
    ("gpu-device", Status.BROKEN, {"query": ""}, "does not answer"),
    ("gpu-device", Status.BROKEN, {"uuid": "GPU-2"}, "lists no GPU-2"),
    ("gpu-device", Status.BROKEN, {"query": "No devices were found\n"}, "lists no"),
    ("gpu-driver", Status.WARNING, {"gvisor_drivers": "535.1\n550.1\n"}, "gVisor does not pass on"),
    ("gpu-toolkit", Status.WARNING, {"toolkit": "NVIDIA Container Toolkit CLI version 1.17.8"}, "1.20.1"),
    ("gpu-toolkit", Status.WARNING, {"toolkit": "NVIDIA Container Toolkit CLI version 1.20.0"}, "1.20.1"),
    ("gpu-toolkit", Status.WARNING, {"toolkit": ""}, "1.20.1"),
    ("gpu-nodes", Status.BROKEN, {"nodes": ()}, "no device nodes"),
    ("gpu-nodes", Status.BROKEN, {"nodes": NODES[:1]}, "nvidia-uvm"),
    ("gpu-nodes", Status.BROKEN, {"modules": "nvidia 9000000 0 - Live 0x0\n"}, "nvidia_uvm"),
    ("gpu-nodes", Status.BROKEN, {"nodes": with_node(0o660, "video")}, "mode 0660 and group video"),
    ("gpu-nodes", Status.BROKEN, {"nodes": with_node(0o664, "root")}, "mode 0664"),
    ("gpu-modes", Status.WARNING, {"query": QUERY.replace("Enabled", "Disabled")}, "nvidia-smi -pm 1"),
    ("gpu-modes", Status.BROKEN, {"query": QUERY.replace("Default", "Exclusive_Process")}, "-c DEFAULT"),
    ("gpu-modes", Status.BROKEN, {"query": QUERY.replace("Default", "Prohibited")}, "-c DEFAULT"),
    ("gpu-cdi", Status.WARNING, {"cdi_problem": "a socket is refused"}, "a socket is refused"),
    ("gpu-mig", Status.BROKEN, {"query": QUERY.replace("Disabled", "Enabled"), "listing": PARTS}, "MIG-UUID"),
    ("gpu-mig", Status.BROKEN, {"query": QUERY.replace("Disabled", "Enabled")}, "0 instances"),
    (
        "gpu-mig",
        Status.OK,
        {"query": QUERY.replace("Disabled", "Enabled"), "listing": PARTS, "uuid": MIG},
        "1 instances",
    ),
    (
        "gpu-scrub",
        Status.BROKEN,
        {"driver_parameters": 'RegistryDwords: "RMDisableScrubOnFree=1"\n'},
        "RMDisableScrubOnFree=1",
    ),
    (
        "gpu-scrub",
        Status.BROKEN,
        {"driver_parameters": 'RegistryDwords: "A=0x2;RmDisableScrubOnFree=0x1"\n'},
        "NVreg_RegistryDwords",
    ),
    (
        "gpu-scrub",
        Status.OK,
        {"driver_parameters": 'RegistryDwords: "RMDisableScrubOnFree=0"\n'},
        "cleared",
    ),
    ("gpu-scrub", Status.WARNING, {"driver_parameters": ""}, "not known"),
    ("gpu-watch", Status.WARNING, {"is_watchable": False}, "pip install nvidia-ml-py"),
    ("gpu-watch", Status.WARNING, {"uuid": "all"}, "--device cuda:0"),
]


@pytest.mark.parametrize(("check", "status", "changes", "words"), CASES)
def test_what_differs_is_reported(check: str, status: Status, changes: dict[str, object], words: str) -> None:
    """Each with what was observed and what to do."""
    facts = replace(GOOD, **changes)  # type: ignore[arg-type]  # fields by name
    (finding,) = [finding for finding in examine_gpu(facts) if finding.id == check]
    assert finding.status is status
    assert words in f"{finding.observation} {finding.advice}"


def test_nothing_readable_is_no_traceback() -> None:
    """A host without a GPU is reported as such."""
    assert statuses(GpuFacts(uuid="cuda:0"))["gpu-device"] is Status.BROKEN


def test_probes_return_nothing_where_there_is_nothing(tmp_path: Path) -> None:
    """A missing program, one that fails, a missing file and a missing specification."""
    assert run_text(["no-such-program"]) == ""
    assert run_text(["false"]) == ""
    assert run_text(["echo", "text"]) == "text\n"
    assert read_text(tmp_path / "none") == ""
    assert device_nodes(tmp_path) == []
    assert "No CDI specification" in cdi_problem(UUID, [tmp_path])


def test_the_nodes_of_a_folder(tmp_path: Path) -> None:
    """Nodes that no computation needs are left out."""
    for name in ("nvidia0", "nvidiactl", "nvidia-modeset"):
        (tmp_path / name).touch(mode=0o600)
    (tmp_path / "nvidia0").chmod(0o660)
    nodes = device_nodes(tmp_path)
    assert [Path(node.path).name for node in nodes] == ["nvidia0", "nvidiactl"]
    assert nodes[0].mode == 0o660
    assert nodes[0].group
