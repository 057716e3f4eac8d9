"""Outputs in a file that an operator names are measured before they are unpacked."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from runner.errors import HostNotReadyError
from runner.results.population import require_memory


def test_arrays_larger_than_free_memory_are_not_unpacked() -> None:
    """A small compressed file may hold any number of zeros."""
    file = io.BytesIO()
    np.savez_compressed(file, logits=np.zeros(1_000_000))
    data = file.getvalue()
    assert len(data) < 20_000
    with pytest.raises(
        HostNotReadyError, match=r"odd\.npz holds arrays of 7\.6 MiB; 1 MiB of memory are free"
    ):
        require_memory(Path("odd.npz"), data, lambda: 1 << 20)
    require_memory(Path("odd.npz"), data, lambda: 1 << 24)


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x05\x06" + bytes(18), b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_left_to_the_scorer(data: bytes) -> None:
    """It says what is wrong."""
    require_memory(Path("odd.npz"), data, lambda: 1)
