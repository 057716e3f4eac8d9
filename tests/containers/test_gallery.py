"""Every attack of the gallery against real containers: under each runtime, in both isolations.

An attack's batch is run once for all tests that ask about it. Known holes are strict expected failures.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from runner import gallery_attacks
from runner.challenge import Challenge
from runner.engine import Engine
from runner.gallery_attacks import Attack
from runner.gallery_run import Gallery, Report
from runner.image import Image
from runner.placement import Isolation, Placement
from runner.progress import Silent

pytestmark = [pytest.mark.container, pytest.mark.timeout(3600)]

RunGallery = Callable[[str, Isolation], Report]

ATTACKS = gallery_attacks.load_all()
RUNTIMES = ("runc", "crun", "runsc")
ISOLATIONS: tuple[Isolation, ...] = ("process", "container")
EVERY_TIME = ("runc", "process")
"""The rest takes the better part of an hour: ``make gallery``."""


@pytest.fixture(scope="session")
def run_gallery(
    engine: Engine,
    built_image: Image,
    labels: dict[str, str],
    challenge: Challenge,
    tmp_path_factory: pytest.TempPathFactory,
) -> RunGallery:
    """Return a function that runs the gallery the first time it is asked, and remembers."""

    @cache
    def run(runtime: str, isolation: Isolation) -> Report:
        return Gallery(
            image=built_image,
            challenge=challenge,
            labels=labels,
            placement=Placement(runtime=runtime),
            isolation=isolation,
            folder=tmp_path_factory.mktemp("made"),
            reporter=Silent(),
        ).run(ATTACKS)

    def run_if_there(runtime: str, isolation: Isolation) -> Report:
        if runtime not in engine.info()["Runtimes"]:
            pytest.skip(f"this engine has no runtime {runtime}")
        return run(runtime, isolation)

    return run_if_there


def cases() -> list[object]:
    return [
        pytest.param(
            *(one, runtime, isolation),
            id=f"{one.name}-{runtime}-{isolation}",
            marks=[] if (runtime, isolation) == EVERY_TIME else [pytest.mark.long],
        )
        for runtime in RUNTIMES
        for isolation in ISOLATIONS
        for one in ATTACKS
        if isolation in one.description.isolations
    ]


@pytest.mark.parametrize(("attack", "runtime", "isolation"), cases())
def test_an_attack_is_contained(
    attack: Attack,
    runtime: str,
    isolation: Isolation,
    run_gallery: RunGallery,
    request: pytest.FixtureRequest,
) -> None:
    """It ends as it must, its control and the run after it are fine, and nothing of it is left."""
    report = run_gallery(runtime, isolation)
    (result,) = [one for one in report.results if one.attack.name == attack.name]
    assert not result.broken, result.broken
    if result.expectation.open is not None:
        request.applymarker(pytest.mark.xfail(reason=result.expectation.open, strict=True))
    assert not result.problems, result.problems


@pytest.mark.parametrize(
    ("runtime", "isolation"),
    [
        pytest.param(
            *(runtime, isolation),
            marks=[] if (runtime, isolation) == EVERY_TIME else [pytest.mark.long],
        )
        for runtime in RUNTIMES
        for isolation in ISOLATIONS
    ],
)
def test_the_host_is_as_it_was(runtime: str, isolation: Isolation, run_gallery: RunGallery) -> None:
    """No container, process, file, System V object or memory is missing or left after all of them."""
    assert run_gallery(runtime, isolation).left == ()
