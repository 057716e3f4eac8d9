"""`unlearn doctor` does not let a host's GPU look proven while no device was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from runner.doctor.engine import check_gpu
from runner.doctor.facts import Facts
from runner.doctor.findings import Status
from runner.doctor.proven import add_proof
from tests.runner.doctor.test_doctor_checks import HOSTS, purpose, read

NVIDIA: dict[str, Any] = {"info": {"Runtimes": {"nvidia": {}}}}


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"gpu_devices": ["/dev/nvidia0"]}, Status.NOT_AVAILABLE),  # no toolkit
        (
            {**NVIDIA, "programs": {"nvidia-ctk": "version 1.17.8"}, "gpu_devices": ["/dev/nvidia0"]},
            Status.OK,
        ),
        ({**NVIDIA, "programs": {"nvidia-ctk": "version 1.17.7"}, "gpu_devices": []}, Status.WARNING),
        ({"info": {"DiscoveredDevices": [{"ID": "nvidia.com/gpu=all"}]}, "programs": {}}, Status.WARNING),
    ],
)
def test_every_finding_about_a_gpu_says_where_it_was_measured(
    changes: Mapping[str, Any], status: Status
) -> None:
    """Whether the toolkit is there, recent, old or only known from the engine."""
    host = read(next(file for file in HOSTS if file.stem == "gpu"))
    info = {**host["facts"]["info"], "Runtimes": {"runc": {}}, **changes.get("info", {})}
    facts = {**host["facts"], "programs": {}, **changes, "info": info}
    finding = check_gpu(Facts(**facts), purpose(host))
    assert finding.status is status
    assert finding.advice.endswith(add_proof(""))


def test_a_host_without_gpus_is_not_bothered() -> None:
    """Its runs use the CPU."""
    host = read(next(file for file in HOSTS if file.stem == "debian-12"))
    assert add_proof("") not in check_gpu(Facts(**host["facts"]), purpose(host)).advice
