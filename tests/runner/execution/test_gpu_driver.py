"""The driver's version: read from the kernel's text, recorded, and compared when runs are repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.execution.gpu_driver import change_of_driver, driver_version, installed_driver

CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\nGCC version:  12\n"
OPEN = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (dvs@build)\nGCC version: 14.2.0\n"


@pytest.mark.parametrize(
    ("text", "version"),
    [(CLOSED, "535.183.01"), (OPEN, "580.65.06"), ("GCC version: 14.2.0\n", ""), ("", "")],
)
def test_both_kinds_of_module_state_their_version(text: str, version: str) -> None:
    """The compiler's version in the same file is another one. Texts as NVIDIA's documentation shows them."""
    assert driver_version(text) == version


def test_without_a_driver_there_is_no_version(tmp_path: Path) -> None:
    """A host without a GPU, and a file that holds something else."""
    assert installed_driver(tmp_path / "version") == ""
    (tmp_path / "version").write_bytes(b"\xff\xfe" * 100)
    assert installed_driver(tmp_path / "version") == ""
    (tmp_path / "version").write_text(OPEN)
    assert installed_driver(tmp_path / "version") == "580.65.06"


def test_a_change_of_driver_is_a_sentence() -> None:
    """An earlier manifest that records none cannot differ."""
    assert change_of_driver("", "580.65.06") == change_of_driver("580.65.06", "580.65.06") == ""
    assert "535.183.01, and the driver is 580.65.06 now" in change_of_driver("535.183.01", "580.65.06")
    assert "is not known now" in change_of_driver("535.183.01", "")
