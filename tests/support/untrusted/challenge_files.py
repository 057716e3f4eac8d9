"""Challenges on disk: edits of a description, and what the loader refuses."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from runner.challenge.layout import DESCRIPTION_FILE
from runner.challenge.load import load_challenge
from runner.errors import ConfigurationError


def edit_description(folder: Path, **changes: Any) -> None:
    """Change fields of ``challenge.toml``, ``table__field`` inside a table; None removes a field."""
    fields = tomllib.loads((folder / DESCRIPTION_FILE).read_text())
    for name, value in changes.items():
        first, *rest = name.split("__")
        table = fields.setdefault(first, {}) if rest else fields
        key = rest[0] if rest else first
        if value is None:
            del table[key]
        else:
            table[key] = value
    (folder / DESCRIPTION_FILE).write_text(tomli_w.dumps(fields))


def refused_challenge(folder: Path) -> str:
    """Return why a challenge is refused, and require that it is, in one sentence."""
    with pytest.raises(ConfigurationError) as caught:
        load_challenge(folder)
    return str(caught.value)
