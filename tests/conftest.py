"""What all tests share: how property tests run, how long a test may take, which files run first.

A busy machine is no counterexample: property tests have no deadline.
"""

from __future__ import annotations

import os
import signal
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases.fixtures import postgresql, prepare_store  # noqa: F401 - fixtures
from tests.support.paths import ROOT

settings.register_profile(
    "unlearn",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,  # `make fuzz` searches at random
)
settings.load_profile("unlearn")

CONTAINER_SECONDS: Final = 900.0
"""For a test with containers, its fixtures included; pyproject.toml has the limit of all others."""

LONGEST_FIRST: Final = (
    "test_gallery_runc_process.py",
    "test_contest.py",
    "test_gallery_runsc_process.py",
    "test_recipe_builds.py",
    "test_faults.py",
    "test_command_line.py",
    "test_time_limits.py",
    "test_store_faults.py",
    "test_gallery_runc_container.py",
    "test_challenge_build.py",
    "test_architectures.py",
    "test_evaluator.py",
    "test_challenge_export.py",
    "test_sealed_runs.py",
    "test_attacks.py",
    "test_verify.py",
    "test_runtimes.py",
    # without containers
    "test_joint_attack.py",
    "test_score_command.py",
    "test_damaged_store.py",
    "test_output_encoding.py",
    "test_mixture.py",
    "test_score_card.py",
    "test_version_1_store.py",
    "test_loss_mia.py",
    "test_uncertainty.py",
)
"""The files that take longest, in this order before all others: no worker is left with one at the end."""

THOROUGH: Final = frozenset(
    {
        *("test_joint_attack.py", "test_mixture.py", "test_output_encoding.py", "test_published_twin.py"),
        *("test_score_card.py", "test_score_command.py"),
    }
)
"""Files without containers that take six seconds or more each: left out of `make test-fast`."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of thorough files, before tests are chosen by their marks."""
    if item.path.name in THOROUGH:
        item.add_marker(pytest.mark.thorough)


def pytest_configure() -> None:
    """Let commands that tests start import this checkout, and take one core: the suite has two workers."""
    os.environ["PYTHONPATH"] = str(ROOT)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # A shell starts what runs in the background with SIGINT ignored, and commands would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests with containers their time, and put the files that take longest first."""
    for item in items:
        if item.get_closest_marker("container") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(CONTAINER_SECONDS))
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    after = len(places)

    def place(item: pytest.Item) -> tuple[int, bool]:
        return places.get(item.path.name, after), item.get_closest_marker("container") is None

    items.sort(key=place)
