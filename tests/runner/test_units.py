"""Sizes are shown in the largest unit that they fill."""

from __future__ import annotations

import pytest

from runner.units import GIB, KIB, MIB, size_text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (KIB, "1 KiB"),
        (3 * MIB // 2, "1.5 MiB"),
        (512 * MIB, "512 MiB"),
        (2048 * MIB, "2 GiB"),
        (16384 * GIB, "16384 GiB"),
    ],
)
def test_sizes(size_bytes: int, text: str) -> None:
    """Whole numbers have no decimal, other sizes have one."""
    assert size_text(size_bytes) == text
