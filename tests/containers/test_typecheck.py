"""The types of `sandbox/` hold inside the image, where torch is installed."""

from __future__ import annotations

import pytest

from runner.engine.api import Engine
from runner.image.image import Image
from tests.tools.typecheck_sandbox import typecheck

pytestmark = pytest.mark.container


def test_sandbox_is_strictly_typed(engine: Engine, built_image: Image, labels: dict[str, str]) -> None:
    """mypy --strict, run in the image, finds no error in `sandbox/`."""
    code, text = typecheck(engine, built_image, labels)
    assert code == 0, text
