"""Three nodes of a Ray cluster on this machine, which share its engine."""

from __future__ import annotations

import importlib.util

import pytest

from tests.containers.fixtures import *  # noqa: F403 - fixtures


@pytest.fixture(autouse=True)
def needs_ray() -> None:
    """Skip a test where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: make test-cluster")
