"""Memory of the kernel that a run causes is counted to its container, but for a short list."""

from __future__ import annotations

from typing import Final

import pytest

from runner.doctor.gallery import KINDS as QUICK_KINDS
from runner.doctor.kernel_memory import kernel_memory_container, measure_kernel_memory
from runner.engine.api import Engine
from runner.engine.placement import DEFAULT_PLACEMENT
from runner.image.image import Image
from sandbox.worker.kernel_objects import KINDS

pytestmark = pytest.mark.container

CONCEDED: Final = {
    "connection that nobody accepts": 1000,
    "folder being read": 250,
    "thread that polls": 70_000,
    "copy of copies": 150_000,  # a process with 4 000 mappings
}
"""The most bytes each that are not counted; in the threat model, too."""
REFUSED: Final = {
    *("lease", "notice of a folder"),
    *("access list", "extended attribute", "page in a socket"),
    *("epoll", "epoll item", "pipe with notice", "inotify watch", "timerfd"),
    *("filter on a socket", "named mapping", "memory policy", "filter of system calls"),
}


@pytest.mark.slow
def test_kernel_memory_that_a_run_causes_is_counted(
    engine: Engine, built_image: Image, labels: dict[str, str]
) -> None:
    """Each kind of object that the filters allow, tens of thousands of each, against the host's counters."""
    spec = kernel_memory_container(image=built_image.tag, labels=labels, placement=DEFAULT_PLACEMENT)
    measurements = measure_kernel_memory(engine, spec, dict.fromkeys(KINDS, 0), repetitions=2)
    if measurements is None:
        pytest.skip("this machine does not show the kernel memory of its containers")
    objects = {measurement.kind: measurement.objects for measurement in measurements}
    assert {kind for kind in REFUSED if objects[kind]} == set()
    assert {kind for kind, number in objects.items() if not number} <= {
        *REFUSED,
        "message queue",
        "landlock ruleset",
        "memory of a process that has ended",
    }
    large = [measurement for measurement in measurements if measurement.exceeds_slack]
    beyond = [
        measurement
        for measurement in large
        if measurement.uncounted_bytes > CONCEDED.get(measurement.kind, 0) * measurement.objects
    ]
    assert beyond == []


def test_the_kinds_that_doctor_measures_exist() -> None:
    """And each that every host must refuse is among them."""
    assert set(QUICK_KINDS) <= KINDS.keys()
    assert len(REFUSED & set(QUICK_KINDS)) == 3
