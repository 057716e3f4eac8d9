"""Each worker container gets cores of its own, no more than its share."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from runner.engine.info import EngineInfo
from runner.execution.cores import HostCores, cores_of, parsed_cores
from tests.support.paths import ROOT

HOST = range(8)


def numbers(cpu_set: str) -> set[int]:
    return set(parsed_cores(cpu_set))


@pytest.mark.parametrize(
    ("text", "cores"),
    [("0", (0,)), ("0-3\n", (0, 1, 2, 3)), ("0,2-3,8", (0, 2, 3, 8)), ("0-1,4-5", (0, 1, 4, 5))],
)
def test_lists_of_cores_are_read(text: str, cores: tuple[int, ...]) -> None:
    """As Linux writes them."""
    assert parsed_cores(text) == cores


@pytest.mark.parametrize(("share", "number"), [(0.25, 1), (0.5, 1), (1.0, 1), (1.5, 2), (3.0, 3), (7.0, 7)])
def test_a_container_gets_as_many_cores_as_its_share_fills(tmp_path: Path, share: float, number: int) -> None:
    """Rounded up: it can never use more than that, whatever its share is by time."""
    with HostCores(HOST, tmp_path).of_a_container(share) as cores:
        assert len(numbers(cores)) == number
        assert numbers(cores) < set(HOST)


@pytest.mark.parametrize("share", [8.0, 12.5])
def test_a_share_of_the_whole_host_is_any_core(tmp_path: Path, share: float) -> None:
    """There is nothing beyond it."""
    with HostCores(HOST, tmp_path).of_a_container(share) as cores:
        assert cores == ""


def test_containers_share_no_core_while_there_are_enough(tmp_path: Path) -> None:
    """Of one evaluation, of others, and again after some have ended."""
    with ExitStack() as stack:
        first = stack.enter_context(HostCores(HOST, tmp_path).of_a_container(2.0))
        with HostCores(HOST, tmp_path).of_a_container(3.0) as second:
            third = stack.enter_context(HostCores(HOST, tmp_path).of_a_container(2.5))
            assert numbers(first) | numbers(second) | numbers(third) == set(HOST)
        fourth = stack.enter_context(HostCores(HOST, tmp_path).of_a_container(2.0))
        assert numbers(fourth) < numbers(second)


def test_without_enough_free_cores_others_are_shared(tmp_path: Path) -> None:
    """A container is never refused, and never gets more cores than its share."""
    cores = HostCores(range(3), tmp_path)
    with cores.of_a_container(2.0), cores.of_a_container(2.0) as second, cores.of_a_container(1.0) as third:
        assert len(numbers(second)) == 2
        assert len(numbers(third)) == 1


def test_a_process_that_dies_leaves_its_cores_to_others(tmp_path: Path) -> None:
    """Its locks go with it."""
    code = (
        "import os, pathlib, sys; from runner.execution.cores import HostCores\n"
        "HostCores(range(8), pathlib.Path(sys.argv[1])).of_a_container(7.0).__enter__(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False)
    cores = HostCores(HOST, tmp_path)
    with cores.of_a_container(4.0) as first, cores.of_a_container(4.0) as second:
        assert numbers(first) | numbers(second) == set(HOST)


def test_where_no_lock_can_be_made_cores_are_held_to_all_the_same(tmp_path: Path) -> None:
    """A folder that cannot be written, or a lock that is no file."""
    (tmp_path / "file").touch()
    with HostCores(HOST, tmp_path / "file").of_a_container(2.0) as cores:
        assert len(numbers(cores)) == 2
    os.mkfifo(tmp_path / "core-0")
    with HostCores(HOST, tmp_path).of_a_container(1.0) as cores:
        assert numbers(cores) == {1}


@pytest.mark.parametrize(
    ("can_assign", "engine_cores", "online", "cores"),
    [
        (True, 4, "0-3", (0, 1, 2, 3)),
        (False, 4, "0-3", ()),  # an engine that another user than root runs
        (True, 16, "0-3", ()),  # an engine on another machine
        (True, 4, "nonsense", ()),
    ],
)
def test_cores_are_only_assigned_where_they_are_known(
    tmp_path: Path, can_assign: bool, engine_cores: int, online: str, cores: tuple[int, ...]
) -> None:
    """A core that the engine does not have would keep every container from starting."""
    (tmp_path / "online").write_text(online)
    info = EngineInfo(can_assign_cores=can_assign, cores=engine_cores)
    assert cores_of(info, tmp_path / "online") == cores
    assert cores_of(info, tmp_path / "missing") == ()
