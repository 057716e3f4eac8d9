"""What tests of faults share: one evaluation to disturb, and what it left running."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runner.builder.plan import BuildPlan
from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL
from tests.support.evaluating import Evaluating


@pytest.fixture(scope="session")
def challenge(build_shared: Callable[[BuildPlan], Challenge], plan: BuildPlan) -> Challenge:
    """Return a challenge in which two runs go on at once, each in its own container."""
    limits = plan.limits.with_changes(concurrency=2, cpus=2.0)
    return build_shared(replace(plan, name="two-at-once", references=4, limits=limits))


@pytest.fixture
def mine(challenge: Challenge, tmp_path: Path) -> Evaluating:
    return Evaluating(challenge, tmp_path)


@pytest.fixture
def nothing_left(engine: Engine) -> Callable[[Evaluating], list[str]]:
    """Return a function that names the containers of an evaluation that are still there."""
    return lambda it: [identity for identity, _ in engine.containers({EVALUATION_LABEL: it.name()})]


@pytest.fixture(scope="session")
def build_with_limits(
    build_shared: Callable[[BuildPlan], Challenge], plan: BuildPlan
) -> Callable[..., Challenge]:
    """Return a function that builds a tiny challenge with some limits of its own."""

    def build(**limits: float) -> Challenge:
        changed = plan.limits.with_changes(**limits)
        return build_shared(replace(plan, name="with-limits", references=2, limits=changed))

    return build
