"""Every attack of the gallery against real containers: under each runtime, in both isolations.

An attack's batch is run once for all tests that ask about it. Known holes are strict expected failures,
but for those that show on a quiet host alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import evaluator_container
from runner.engine.placement import Isolation, Placement
from runner.errors import SandboxStartError
from runner.gallery.attacks import Attack, load_attacks
from runner.gallery.run import Gallery, GalleryReport
from runner.image.image import Image
from runner.progress import NullReporter

pytestmark = [pytest.mark.container, pytest.mark.timeout(4 * 3600)]

RunGallery = Callable[[str, Isolation], GalleryReport]

ATTACKS = load_attacks()
RUNTIMES = ("runc", "crun", "runsc")
ISOLATIONS: tuple[Isolation, ...] = ("process", "container")
_QUICK_ROWS = {3, 5, 6, 7, 8, 9, 10, 12, 13, 14, 20}
"""Threats whose attacks take a fraction of a second each: done under gVisor every time."""
_ISOLATED_ROWS = {5, 6}
"""What a run may leave for the next: done with a container for each run every time."""


LONGEST = ("runsc", "container")


def is_done_every_time(attack: Attack, runtime: str, isolation: Isolation) -> bool:
    """Return whether a case belongs to the ordinary tests; the rest takes an hour: ``make gallery``."""
    said = attack.description
    if runtime == "runc" and isolation == "process":
        return True
    if (
        said.own_archive
        or said.kind == "host"
        or "time-limit" in attack.expectation(runtime, isolation).verdicts
    ):
        return False
    if runtime == "runsc" and isolation == "process":
        return said.threat in _QUICK_ROWS
    return runtime == "runc" and isolation == "container" and said.threat in _ISOLATED_ROWS


@pytest.fixture(scope="session")
def run_gallery(
    request: pytest.FixtureRequest,
    engine: Engine,
    built_image: Image,
    labels: dict[str, str],
    challenge: Challenge,
    tmp_path_factory: pytest.TempPathFactory,
) -> RunGallery:
    """Return a function that runs what was selected of the gallery when it is first asked, and remembers."""
    selected: dict[tuple[str, Isolation], list[Attack]] = {}
    for item in request.session.items:
        told: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        if "attack" in told:
            selected.setdefault((told["runtime"], told["isolation"]), []).append(told["attack"])

    failed: dict[tuple[str, Isolation], BaseException] = {}

    @cache
    def run(runtime: str, isolation: Isolation) -> GalleryReport:
        if (runtime, isolation) in failed:
            raise failed[runtime, isolation]  # the batch is not run again for each test that asks about it
        require_runtime(engine, built_image, labels, runtime)
        try:
            return all_of_it(runtime, isolation)
        except BaseException as error:
            failed[runtime, isolation] = error
            raise

    def all_of_it(runtime: str, isolation: Isolation) -> GalleryReport:
        return Gallery(
            image=built_image,
            challenge=challenge,
            labels=labels,
            placement=Placement(runtime=runtime),
            isolation=isolation,
            folder=tmp_path_factory.mktemp("made"),
            reporter=NullReporter(),
        ).run(selected[runtime, isolation])

    return run


@cache
def why_not(engine: Engine, image: Image, runtime: str) -> str:
    """Return why containers cannot be started under a runtime here, or nothing."""
    if runtime not in engine.info().runtimes:
        return f"this engine has no runtime {runtime}; see: unlearn setup --runtime {runtime}"
    spec = evaluator_container(
        image=image.tag, cpus=1, labels={"org.unlearn.test": "1"}, placement=Placement(runtime=runtime)
    )
    try:
        engine.start(replace(spec, command=("/usr/bin/true",))).remove()
    except SandboxStartError as error:
        return f"{runtime} starts no container here: {error}"
    return ""


def require_runtime(engine: Engine, image: Image, labels: dict[str, str], runtime: str) -> None:
    if reason := why_not(engine, image, runtime):
        pytest.skip(reason)


def cases() -> list[object]:
    return [
        pytest.param(
            *(one, runtime, isolation),
            id=f"{one.name}-{runtime}-{isolation}",
            marks=[] if is_done_every_time(one, runtime, isolation) else [pytest.mark.long],
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
        strict = not attack.description.unsteady
        request.applymarker(pytest.mark.xfail(reason=result.expectation.open, strict=strict))
    assert not result.problems, result.problems


@pytest.mark.parametrize(
    ("runtime", "isolation"),
    [
        pytest.param(
            *(runtime, isolation),
            marks=[pytest.mark.long] if runtime == "crun" or (runtime, isolation) == LONGEST else [],
        )
        for runtime in RUNTIMES
        for isolation in ISOLATIONS
    ],
)
def test_the_host_is_as_it_was(runtime: str, isolation: Isolation, run_gallery: RunGallery) -> None:
    """No container, process, file, System V object or memory is missing or left after all of them."""
    assert run_gallery(runtime, isolation).leftovers == ()
