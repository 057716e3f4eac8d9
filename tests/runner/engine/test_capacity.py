"""A challenge that asks for more memory than the host has is refused, and no other."""

from __future__ import annotations

import pytest

from runner.builder.plan import default_limits
from runner.challenge.limits import Limits
from runner.engine.capacity import require_memory
from runner.engine.container_spec import all_workers_memory_bytes, worker_container, worker_memory_bytes
from runner.engine.info import EngineInfo
from runner.errors import HostNotReadyError
from runner.units import MIB

LIMITS = Limits(memory_bytes=1000 * MIB, concurrency=3)
REQUIRED = all_workers_memory_bytes(LIMITS)


def test_required_memory_is_that_of_all_workers() -> None:
    """Each run in progress has a container of its own, with the run's limit and the supervisor's share."""
    assert REQUIRED == 3 * (1000 + 1536) * MIB
    spec = worker_container(image="", limits=LIMITS.of_one_run(), labels={})
    assert spec.memory_bytes == worker_memory_bytes(LIMITS.of_one_run()) == REQUIRED // 3


def test_enough_memory_is_accepted() -> None:
    """Exactly the required bytes are enough; an engine that reports no memory refuses nothing."""
    require_memory(LIMITS, EngineInfo(memory_bytes=REQUIRED))
    require_memory(LIMITS, EngineInfo(memory_bytes=0))
    require_memory(LIMITS, EngineInfo())
    require_memory(default_limits("digits"), EngineInfo(memory_bytes=7 << 30))


def test_too_little_memory_is_refused_with_advice() -> None:
    """The sentence names both figures, with exit code 3; absurd requests of a foreign challenge too."""
    words = r"has 7607 MiB .* asks for 7608 MiB: 1000 MiB a run, 3 at once"
    with pytest.raises(HostNotReadyError, match=words) as caught:
        require_memory(LIMITS, EngineInfo(memory_bytes=REQUIRED - 1))
    assert "--memory-mib" in str(caught.value)
    assert caught.value.exit_code == 3
    with pytest.raises(HostNotReadyError):
        require_memory(Limits(memory_bytes=1 << 50, concurrency=64), EngineInfo(memory_bytes=1 << 40))
