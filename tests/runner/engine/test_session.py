"""Only containers of dead processes are leftovers, and session files never vanish under a live process."""

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


class FakeEngine:
    """An engine that lists and removes containers in memory."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.by_identity: dict[str, Mapping[str, str]] = {}

    def containers(self, labels: Mapping[str, str]) -> list[tuple[str, Mapping[str, str]]]:
        return [item for item in self.by_identity.items() if labels.items() <= item[1].items()]

    def remove(self, identity: str) -> None:
        del self.by_identity[identity]


def test_a_session_file_in_use_is_not_removed(tmp_path: Path) -> None:
    """Another command removes the file only after its process has released the lock."""
    file, lock = create_session_file(tmp_path, "here")
    remove_unless_held(file)
    assert file.is_file()
    lock.release()
    remove_unless_held(file)
    assert not file.exists()


def test_cleanup_never_removes_the_file_of_a_starting_process(tmp_path: Path) -> None:
    """Every created session file exists and is locked, while four threads clean up continuously."""
    stop = threading.Event()

    def clean_up() -> None:
        while not stop.is_set():
            for file in tmp_path.iterdir():
                remove_unless_held(file)

    threads = [threading.Thread(target=clean_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        sessions = [create_session_file(tmp_path, "here") for _ in range(40)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert all(file.is_file() for file, _lock in sessions)
    for file, lock in sessions:
        lock.release()
        FileLock(file).acquire(timeout=1)


def test_leftovers_are_recognized_after_commands_to_another_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Docker and Podman on a host, a command to one keeps the session files of the other."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    docker, podman = FakeEngine(""), FakeEngine("unix:///run/podman.sock")
    with container_session(cast("Engine", podman)) as labels:
        podman.by_identity["worker"] = labels
        (file,) = tmp_path.rglob(labels[SESSION_LABEL])
    file.touch()  # as if the process had been killed before its cleanup
    podman.by_identity["worker"] = labels
    with container_session(cast("Engine", docker)):
        pass
    assert file.is_file()
    assert remove_leftovers(cast("Engine", podman)) == 1
    assert not podman.by_identity
    assert not file.exists()
