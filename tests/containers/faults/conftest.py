"""What tests of faults share: one evaluation to disturb, and what it left running."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL
from tests.support.evaluating import Evaluating


@pytest.fixture
def mine(challenge: Challenge, tmp_path: Path) -> Evaluating:
    return Evaluating(challenge, tmp_path)


@pytest.fixture
def nothing_left(engine: Engine) -> Callable[[Evaluating], list[str]]:
    """Return a function that names the containers of an evaluation that are still there."""
    return lambda it: [identity for identity, _ in engine.containers({EVALUATION_LABEL: it.name()})]
