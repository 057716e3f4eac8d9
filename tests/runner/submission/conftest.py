"""A valid submission on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.untrusted.archives import CODE
from tests.support.untrusted.submission_files import write_submission


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return the folder of a valid submission."""
    return write_submission(tmp_path / "mine", {"submission.py": CODE})
