"""Label this process's containers, so that a later process can tell leftovers from containers in use.

Each process holds the lock of a file of its own while it lives, and labels its containers with the file's
name. A container whose file exists but is not locked belongs to a process that died. A file is removed only
after the last container with its label; only commands that use the same engine can list its containers, so
the file's name starts with a hash of the engine's address.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import BaseFileLock, FileLock, Timeout

from runner.engine.api import Engine
from runner.engine.container_spec import SESSION_LABEL
from runner.errors import HostNotReadyError


def _folder() -> Path:
    return Path(platformdirs.user_state_dir("unlearn")) / "sessions"


@contextmanager
def container_session(engine: Engine) -> Iterator[dict[str, str]]:
    """Remove the containers of dead processes, then yield the labels for this process's containers."""
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be written: {error.strerror}.") from error
    remove_leftovers(engine)
    file, lock = create_session_file(folder, engine_mark(engine.address))
    try:
        yield {SESSION_LABEL: file.name}
    finally:
        _end(engine, file)
        lock.release()


def engine_mark(address: str) -> str:
    """Return the beginning of the names of an engine's session files."""
    return hashlib.sha256(address.encode()).hexdigest()[:12]


def create_session_file(folder: Path, mark: str) -> tuple[Path, BaseFileLock]:
    """Return a file of this process's own and its acquired lock."""
    while True:
        file = folder / f"{mark}-{uuid.uuid4().hex}"
        lock = FileLock(file)
        lock.acquire()
        if file.is_file():
            return file, lock
        lock.release()  # another command removed it as a dead process's before it was locked


def _end(engine: Engine, file: Path) -> None:
    """Remove remaining containers; a later command removes those that cannot be removed now."""
    labels = {SESSION_LABEL: file.name}
    with contextlib.suppress(HostNotReadyError):  # the engine does not answer: the file stays
        for identity, _labels in engine.containers(labels):
            engine.remove(identity)
        if not engine.containers(labels):
            file.unlink(missing_ok=True)


def remove_leftovers(engine: Engine) -> int:
    """Remove the containers of dead processes, and return how many were removed."""
    folder, removed = _folder(), 0
    alive: set[str] = set()
    for identity, labels in engine.containers({}):
        name = labels.get(SESSION_LABEL, "")
        if name and (folder / name).is_file() and name not in alive:
            if _is_held(folder / name):
                alive.add(name)
            else:
                engine.remove(identity)
                removed += 1
    left = {labels.get(SESSION_LABEL, "") for _identity, labels in engine.containers({})}
    for file in folder.glob(f"{engine_mark(engine.address)}-*"):
        if file.name not in left:
            remove_unless_held(file)
    return removed


def remove_unless_held(file: Path) -> None:
    """Remove the file of a dead process while holding its lock, so that no process starts with it."""
    lock = FileLock(file)
    with contextlib.suppress(Timeout), lock.acquire(timeout=0):
        file.unlink(missing_ok=True)


def _is_held(file: Path) -> bool:
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
