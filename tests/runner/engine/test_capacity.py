"""A challenge that asks for more memory than the host has is refused, and no other."""

from __future__ import annotations

import pytest

from runner.builder.plan import default_limits
from runner.challenge.limits import Limits
from runner.engine.capacity import require_memory
from runner.engine.container_spec import worker_container, worker_memory_bytes
from runner.engine.info import EngineInfo
from runner.errors import HostNotReadyError
from runner.units import MIB

LIMITS = Limits(memory_bytes=1000 * MIB, concurrency=3)
REQUIRED = worker_memory_bytes(LIMITS)


def test_worker_memory_is_all_runs_and_the_supervisor() -> None:
    """The container's memory limit is the sum of the runs' limits and the supervisor's share."""
    assert REQUIRED == (3 * 1000 + 1536) * MIB
    assert worker_container(image="", limits=LIMITS, labels={}).memory_bytes == REQUIRED


def test_enough_memory_is_accepted() -> None:
    """Exactly the required bytes are enough; an engine that reports no memory refuses nothing."""
    require_memory(LIMITS, EngineInfo(memory_bytes=REQUIRED))
    require_memory(LIMITS, EngineInfo(memory_bytes=0))
    require_memory(LIMITS, EngineInfo())
    require_memory(default_limits("digits"), EngineInfo(memory_bytes=6 << 30))


def test_too_little_memory_is_refused_with_advice() -> None:
    """The sentence names both figures, with exit code 3; absurd requests of a foreign challenge too."""
    words = r"has 4535 MiB .* asks for 4536 MiB: 1000 MiB a run, 3 at once"
    with pytest.raises(HostNotReadyError, match=words) as caught:
        require_memory(LIMITS, EngineInfo(memory_bytes=REQUIRED - 1))
    assert "--memory-mib" in str(caught.value)
    assert caught.value.exit_code == 3
    with pytest.raises(HostNotReadyError):
        require_memory(Limits(memory_bytes=1 << 50, concurrency=64), EngineInfo(memory_bytes=1 << 40))
