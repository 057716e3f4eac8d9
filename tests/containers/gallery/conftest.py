"""Runs the gallery for the test files here: the batch of each once, when its first test asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import evaluator_container
from runner.engine.placement import Placement
from runner.errors import SandboxStartError
from runner.execution.cores import HostCores, cores_of
from runner.gallery.attacks import Attack
from runner.gallery.run import Gallery, GalleryReport
from runner.image.image import Image
from runner.progress import NullReporter
from tests.support.gallery import TIERS, GalleryClaims


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a case of each attack that the isolation of a class concerns."""
    if "attack" in metafunc.fixturenames and metafunc.cls is not None:
        metafunc.parametrize("attack", metafunc.cls.cases())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the host with the tier of their pairing: ``long`` where no other test asks for it."""
    for item in items:
        claims = getattr(item, "cls", None)
        if isinstance(claims, type) and issubclass(claims, GalleryClaims):
            item.add_marker(pytest.mark.container)
            item.add_marker(pytest.mark.timeout(4 * 3600))
            pairing_tier = TIERS.get((claims.runtime, claims.isolation), "long")
            if pairing_tier and not hasattr(item, "callspec"):
                item.add_marker(pairing_tier)


@pytest.fixture(scope="class")
def gallery_report(
    request: pytest.FixtureRequest,
    engine: Engine,
    built_image: Image,
    labels: dict[str, str],
    challenge: Challenge,
    tmp_path_factory: pytest.TempPathFactory,
) -> GalleryReport:
    """Return what became of the selected attacks of a class; pytest remembers a failure for all its tests."""
    claims: type[GalleryClaims] = request.cls
    if reason := obstacle(engine, built_image, labels, claims.runtime):
        pytest.skip(reason)
    selected: list[Attack] = [
        cast(Attack, item.callspec.params["attack"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.cls is claims and hasattr(item, "callspec")
    ]
    return Gallery(
        image=built_image,
        challenge=challenge,
        labels=labels,
        placement=Placement(runtime=claims.runtime),
        isolation=claims.isolation,
        cores=HostCores(cores_of(engine.info())),
        folder=tmp_path_factory.mktemp("gallery"),
        reporter=NullReporter(),
    ).run(selected)


def obstacle(engine: Engine, image: Image, labels: dict[str, str], runtime: str) -> str:
    """Return why no container can be started under a runtime here, or nothing."""
    if runtime not in engine.info().runtimes:
        return f"this engine has no runtime {runtime}; see: unlearn setup --runtime {runtime}"
    spec = evaluator_container(image=image.tag, cpus=1, labels=labels, placement=Placement(runtime=runtime))
    try:
        engine.start(replace(spec, command=("/usr/bin/true",))).remove()
    except SandboxStartError as error:
        return f"{runtime} starts no container here: {error}"
    return ""
