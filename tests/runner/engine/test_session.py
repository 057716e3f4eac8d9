"""Which process's containers are leftovers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from filelock import FileLock

from runner.engine.container_spec import SESSION_LABEL
from runner.engine.session import container_session, create_session_file, remove_leftovers, remove_unless_held

if TYPE_CHECKING:
    from runner.engine.api import Engine


class Elsewhere:
    """An engine with containers of its own, by identity."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.there: dict[str, Mapping[str, str]] = {}

    def containers(self, labels: Mapping[str, str]) -> list[tuple[str, Mapping[str, str]]]:
        return [(name, found) for name, found in self.there.items() if labels.items() <= found.items()]

    def remove(self, identity: str) -> None:
        del self.there[identity]


def test_a_file_in_use_stays(tmp_path: Path) -> None:
    """Another command removes no file that its process holds, and removes it afterwards."""
    file, lock = create_session_file(tmp_path, "here")
    remove_unless_held(file)
    assert file.is_file()
    lock.release()
    remove_unless_held(file)
    assert not file.exists()


def test_files_are_never_taken_from_who_begins(tmp_path: Path) -> None:
    """Whoever has begun has a file that is there, however busily others tidy up."""
    ended = threading.Event()

    def tidy() -> None:
        while not ended.is_set():
            for file in tmp_path.iterdir():
                remove_unless_held(file)

    tidying = [threading.Thread(target=tidy) for _ in range(4)]
    for one in tidying:
        one.start()
    try:
        begun = [create_session_file(tmp_path, "here") for _ in range(40)]
    finally:
        ended.set()
        for one in tidying:
            one.join()
    assert all(file.is_file() for file, _lock in begun)
    for file, lock in begun:
        lock.release()
        FileLock(file).acquire(timeout=1)


def test_leftovers_of_one_engine_are_known_after_commands_to_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker and Podman on a host, say: a dead process's file stays while its containers are at the other one."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    docker, podman = Elsewhere(""), Elsewhere("unix:///run/podman.sock")
    with container_session(cast("Engine", podman)) as labels:
        podman.there["worker"] = labels
        (file,) = tmp_path.rglob(labels[SESSION_LABEL])
    file.touch()  # as if it had been killed before it could tidy up
    podman.there["worker"] = labels
    with container_session(cast("Engine", docker)):
        pass
    assert file.is_file()
    assert remove_leftovers(cast("Engine", podman)) == 1
    assert not podman.there
    assert not file.exists()
