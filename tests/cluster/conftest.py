"""Three nodes of a Ray cluster on this machine, which share its engine."""

from __future__ import annotations

import importlib.util

import pytest

from tests.containers.conftest import (
    build_shared,
    built_image,
    challenge,
    engine,
    labels,
    plan,
    shared_folders,
)
from tests.runner.conftest import challenge_folder, load_challenge

__all__ = [
    "build_shared",
    "built_image",
    "challenge",
    "challenge_folder",
    "engine",
    "labels",
    "load_challenge",
    "plan",
    "shared_folders",
]


@pytest.fixture(autouse=True)
def needs_ray() -> None:
    """Skip a test where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: make test-cluster")
