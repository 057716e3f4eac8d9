"""A container whose mounts are not those of the specification is not used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runner.challenge.challenge import Challenge
from runner.clients.evaluator import EvaluatorClient
from runner.engine.api import Engine
from runner.engine.container_spec import Tmpfs, evaluator_container
from runner.errors import HostNotReadyError
from runner.image.image import Image

pytestmark = [pytest.mark.container, pytest.mark.slow]


def test_a_mount_that_the_specification_does_not_name_is_refused(
    engine: Engine, built_image: Image, labels: dict[str, str], challenge: Challenge
) -> None:
    """As an engine's default mounts would add it; all other tests show that the usual ones are accepted."""
    spec = evaluator_container(image=built_image.tag, cpus=1.0, labels=labels)
    more = Tmpfs(path="/run/secrets", size_bytes=1 << 20, inodes=10, mode="0755")
    container = engine.start(replace(spec, tmpfs=(*spec.tmpfs, more)))
    try:
        with pytest.raises(
            HostNotReadyError, match=r"the mount /run/secrets \(tmpfs, which can be written to\)"
        ):
            EvaluatorClient(stream=container, challenge=challenge)
    finally:
        container.remove()
