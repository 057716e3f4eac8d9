"""Is a challenge refused that asks for more memory than the host has, and no other?"""

from __future__ import annotations

import pytest

from runner.builder.plan import default_limits
from runner.challenge.limits import Limits
from runner.engine.capacity import require_memory
from runner.engine.container_spec import worker_container, worker_memory_bytes
from runner.errors import HostNotReadyError
from runner.units import MIB

LIMITS = Limits(memory_bytes=1000 * MIB, concurrency=3)
WANTED = worker_memory_bytes(LIMITS)


def test_what_a_worker_may_use() -> None:
    """Each run's limit, and the supervisor's share: what the engine is told."""
    assert WANTED == (3 * 1000 + 1536) * MIB
    assert worker_container(image="", limits=LIMITS, labels={}).host_config["Memory"] == WANTED


def test_enough_is_enough() -> None:
    """To the byte; an engine that does not tell its memory refuses nothing."""
    require_memory(LIMITS, {"MemTotal": WANTED})
    require_memory(LIMITS, {"MemTotal": 0})
    require_memory(LIMITS, {})
    require_memory(default_limits("digits"), {"MemTotal": 6 << 30})


def test_too_little_is_refused_with_what_to_do() -> None:
    """One sentence with both figures, and exit code 3; what a foreign challenge asks for may be absurd."""
    words = r"has 4535 MiB .* asks for 4536 MiB: 1000 MiB a run, 3 at once"
    with pytest.raises(HostNotReadyError, match=words) as caught:
        require_memory(LIMITS, {"MemTotal": WANTED - 1})
    assert "--memory-mib" in str(caught.value)
    assert caught.value.exit_code == 3
    with pytest.raises(HostNotReadyError):
        require_memory(Limits(memory_bytes=1 << 50, concurrency=64), {"MemTotal": 1 << 40})
