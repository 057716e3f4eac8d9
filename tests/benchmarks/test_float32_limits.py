"""A device's limit of float32 arithmetic is looked up by the words of its name."""

from __future__ import annotations

import json

import pytest

from benchmarks.gpu_parts.float32_limits import LIMITS_FILE, data_sheet_limit

DEVICES = json.loads(LIMITS_FILE.read_text())["devices"]


@pytest.mark.parametrize(
    ("name", "tflops"),
    [
        ("NVIDIA H200", 67.0),
        ("NVIDIA H200 NVL", 60.0),
        ("NVIDIA H100 80GB HBM3", 67.0),
        ("NVIDIA H100 PCIe", 51.0),
        ("NVIDIA A100-SXM4-80GB", 19.5),
        ("NVIDIA A100 80GB PCIe", 19.5),
        ("NVIDIA L40S", 91.6),
        ("NVIDIA L4", 30.3),
        ("Tesla V100-PCIE-16GB", 14.0),
        ("Tesla T4", 8.1),
        ("NVIDIA L40", None),
        ("NVIDIA A10G", None),
        ("NVIDIA GeForce RTX 5090", None),
        ("cpu", None),
    ],
)
def test_a_name_has_the_limit_of_its_own_device(name: str, tflops: float | None) -> None:
    """And not that of a device whose name is a part of it; unknown devices are measured."""
    limit = data_sheet_limit(name)
    assert limit == (None if tflops is None else pytest.approx(tflops * 1e12))


def test_every_figure_has_its_source() -> None:
    """In the one file that has them, each once."""
    assert all(device["source"].startswith("NVIDIA ") for device in DEVICES)
    assert len({tuple(device["words"]) for device in DEVICES}) == len(DEVICES)
