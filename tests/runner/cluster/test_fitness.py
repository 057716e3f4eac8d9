"""A node that differs from the coordinator is refused, with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runner.cluster.decisions.fitness import MIN_FREE_BYTES, NodeFacts, Requirements, gpu_drivers, why_unfit
from runner.devices.device import Device

CPU = Device(name="cpu 1/1", requested="cpu", recorded="cpu", cores=2.0)
GPU = Device(name="cuda:GPU-1", requested="cuda:GPU-1", recorded="cuda:NVIDIA H100", cores=2.0)
FIT = NodeFacts(
    host="one",
    version="v1",
    image="a" * 64,
    platform="linux/amd64",
    config="sha256:" + "c" * 64,
    processor="Zen 4",
    cores=2,
    memory_bytes=1 << 34,
    free_bytes=MIN_FREE_BYTES + 1000,
    devices=(CPU,),
)
REQUIRED = Requirements(
    version="v1", image="a" * 64, platform="linux/amd64", config="sha256:" + "c" * 64, device_class="cpu"
)


def test_drivers_are_named_once() -> None:
    """In one order, whichever nodes come first; nothing where none is known."""
    nodes = [replace(FIT, gpu_driver=version) for version in ("580.1", "", "570.2", "580.1")]
    assert gpu_drivers(nodes) == gpu_drivers(reversed(nodes)) == "570.2, 580.1"
    assert gpu_drivers([FIT]) == gpu_drivers([]) == ""


def test_a_node_like_the_coordinator_is_fit() -> None:
    """Nothing is said of it."""
    assert why_unfit(FIT, REQUIRED) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "v2"}, "version"),
        ({"problem": "No container engine answers."}, "No container engine answers."),
        ({"image": "b" * 64}, "bbbbbbbbbbbb"),
        ({"config": "sha256:" + "d" * 64}, "other content"),
        ({"config": ""}, "unknown"),
        ({"platform": "linux/arm64"}, "linux/arm64"),
        ({"devices": ()}, "missing"),
        ({"devices": (GPU,)}, "cuda:NVIDIA H100"),
        ({"devices": (CPU, GPU)}, "cpu, cuda:NVIDIA H100"),
        ({"niceness": 15}, "RAY_worker_niceness=0"),
        ({"free_bytes": MIN_FREE_BYTES - 1}, "GiB free"),
    ],
)
def test_a_node_that_differs_is_refused(changes: dict[str, Any], words: str) -> None:
    """The sentence names the difference."""
    assert words in why_unfit(replace(FIT, **changes), REQUIRED)


def test_the_processor_counts_where_limits_depend_on_it() -> None:
    """A fraction of retraining on one model says nothing about another."""
    other = replace(FIT, processor="Zen 2")
    assert why_unfit(other, REQUIRED) == ""
    assert "Zen 2" in why_unfit(other, replace(REQUIRED, processor="Zen 4"))


def test_the_challenge_has_to_fit_on_the_disk() -> None:
    """Beside what is kept free."""
    assert why_unfit(FIT, replace(REQUIRED, challenge_bytes=1000)) == ""
    assert "GiB free" in why_unfit(FIT, replace(REQUIRED, challenge_bytes=1001))
