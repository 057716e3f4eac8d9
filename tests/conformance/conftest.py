"""Fixtures of the suites that a fake and the real thing both pass."""

from __future__ import annotations

from tests.containers.conftest import bench, built_image, challenge, engine, labels, plan
from tests.runner.conftest import challenge_folder, load_challenge

__all__ = [
    "bench",
    "built_image",
    "challenge",
    "challenge_folder",
    "engine",
    "labels",
    "load_challenge",
    "plan",
]
