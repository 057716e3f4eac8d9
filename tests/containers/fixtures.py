"""The fixtures of a challenge, an image and an engine, for suites beside this one."""

from __future__ import annotations

from tests.containers.conftest import (
    build_shared,
    built_image,
    challenge,
    engine,
    evaluation_context,
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
    "evaluation_context",
    "labels",
    "load_challenge",
    "plan",
    "shared_folders",
]
