"""Submissions on disk, and what the loader refuses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from runner.errors import ConfigurationError
from runner.sanitize import sanitize_line
from runner.submission.load import load_submission


def write_submission(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files in this order into a folder, and return the folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def refused_submission(path: Path) -> str:
    """Return why a submission is refused, and require that it is, in one sentence."""
    with pytest.raises(ConfigurationError) as caught:
        load_submission(path)
    message = str(caught.value)
    assert message.endswith(".")
    assert message == sanitize_line(message, 1000)
    return message
