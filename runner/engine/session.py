"""What this process has started, so that a later one can tell leftovers from work.

Each process holds the lock of a file of its own while it lives, and labels its containers
with the file's name. A container whose file is there but not locked belongs to a process
that died. A file goes only after the last container that is labelled with it, and that only
commands can tell which talk to the same engine: its mark is in the name.
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

from runner.engine.client import Engine
from runner.engine.container_spec import SESSION_LABEL
from runner.errors import HostNotReadyError


def _folder() -> Path:
    return Path(platformdirs.user_state_dir("unlearn")) / "sessions"


@contextmanager
def container_session(engine: Engine) -> Iterator[dict[str, str]]:
    """Remove what dead processes left, then give the labels for this one's containers."""
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
    """Return what the names of files begin with whose containers are at an engine."""
    return hashlib.sha256(address.encode()).hexdigest()[:12]


def create_session_file(folder: Path, mark: str) -> tuple[Path, BaseFileLock]:
    """Return a file of this process's own and its lock, held."""
    while True:
        file = folder / f"{mark}-{uuid.uuid4().hex}"
        lock = FileLock(file)
        lock.acquire()
        if file.is_file():
            return file, lock
        lock.release()  # another command took it for a dead process's before it was locked


def _end(engine: Engine, file: Path) -> None:
    """Remove what this process could not while it worked; what is left, a later command removes."""
    labels = {SESSION_LABEL: file.name}
    with contextlib.suppress(HostNotReadyError):  # then the engine has gone, and the file stays
        for identity, _labels in engine.containers(labels):
            engine.remove(identity)
        if not engine.containers(labels):
            file.unlink(missing_ok=True)


def remove_leftovers(engine: Engine) -> int:
    """Remove the containers of processes that are dead, and return how many there were."""
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
    """Remove the file of a dead process, holding its lock: nobody begins with it meanwhile."""
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
