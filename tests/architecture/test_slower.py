"""The table of tests that `make test` leaves to `make test-all` names tests that exist."""

from __future__ import annotations

import pytest

from tests.containers.slower import SLOWER, is_slower
from tests.support.paths import ROOT


@pytest.mark.parametrize("beginning", SLOWER)
def test_a_slower_test_exists(beginning: str) -> None:
    """A renamed test would come back to `make test` unnoticed."""
    file, _, test = beginning.partition("::")
    (path,) = (ROOT / "tests").rglob(file)
    assert f"def {test.partition('[')[0]}(" in path.read_text()
    assert is_slower(f"{path.relative_to(ROOT)}::{test}")
