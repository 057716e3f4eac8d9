"""A challenge that asks for more memory than the host has is refused, and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from runner.builder.plan import default_limits
from runner.challenge.limits import Limits
from runner.engine.capacity import has_memory_for_another, is_this_machine, require_memory
from runner.engine.container_spec import (
    LABEL,
    all_workers_memory_bytes,
    worker_container,
    worker_memory_bytes,
)
from runner.engine.info import EngineInfo
from runner.errors import EngineAccessError, HostNotReadyError
from runner.units import MIB
from tests.support.fake_engine import FakeEngine

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


def test_what_running_containers_may_still_use_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container of any evaluation of this host counts with its limit; other programs with what they use."""
    memory = SimpleNamespace(total=16 << 30, available=6000 * MIB)
    monkeypatch.setattr("runner.engine.capacity.psutil.virtual_memory", lambda: memory)
    engine = FakeEngine()
    engine.images.import_archive(Path("any"), "unlearn-sandbox", "test")
    here = EngineInfo(memory_bytes=16 << 30)
    assert has_memory_for_another(engine, here, 6000 * MIB)
    assert not has_memory_for_another(engine, here, 6000 * MIB + 1)
    spec = worker_container(image="unlearn-sandbox:test", limits=LIMITS, labels={LABEL: "another"})
    spec = replace(spec, command=("/usr/bin/cat",), cpus=1.0)
    container = engine.start(spec)
    assert has_memory_for_another(engine, here, 6000 * MIB - spec.memory_bytes)
    assert not has_memory_for_another(engine, here, 6000 * MIB - spec.memory_bytes + 1)
    container.remove()
    assert has_memory_for_another(engine, here, 6000 * MIB)


def test_of_another_machine_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine in a virtual machine or elsewhere has other memory than this machine."""
    memory = SimpleNamespace(total=16 << 30, available=0)
    monkeypatch.setattr("runner.engine.capacity.psutil.virtual_memory", lambda: memory)
    for reported in (8 << 30, 64 << 30, 0):
        assert has_memory_for_another(FakeEngine(), EngineInfo(memory_bytes=reported), 1 << 40)
    assert not has_memory_for_another(FakeEngine(), EngineInfo(memory_bytes=16 << 30), 1)
    assert is_this_machine(1000, 1000)
    assert is_this_machine(1000, 960)
    assert not is_this_machine(1000, 940)


@pytest.mark.parametrize("error", [HostNotReadyError("restarting"), EngineAccessError()])
def test_an_engine_that_does_not_answer_has_no_memory_for_another(
    monkeypatch: pytest.MonkeyPatch, error: HostNotReadyError
) -> None:
    """As during its restart: runs in progress go on, or are lost and attempted again."""
    memory = SimpleNamespace(total=16 << 30, available=16 << 30)
    monkeypatch.setattr("runner.engine.capacity.psutil.virtual_memory", lambda: memory)

    class Restarting(FakeEngine):
        def unused_memory_bytes(self) -> int:
            raise error

    here = EngineInfo(memory_bytes=16 << 30)
    assert has_memory_for_another(FakeEngine(), here, 1)
    assert not has_memory_for_another(Restarting(), here, 1)
