"""TODO runner.image.inputs."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from runner.checkout import ROOT
from runner.errors import HostNotReadyError

_SMALL_STAGE: Final = re.compile(rb"^FROM \S+ AS sandbox\n(?:.+\n)*", re.MULTILINE)
"""What the wheels do not depend on."""
DOCKERFILE: Final = Path("Dockerfile")
LOCK_FILE: Final = Path("requirements/image.txt")


def hash_parts(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def read_input(path: Path) -> bytes:
    try:
        return (ROOT / path).read_bytes()
    except OSError as error:
        raise HostNotReadyError(
            f"{path} is missing beside runner/; the image is built from a checkout of the project."
        ) from error


def deps_dockerfile() -> bytes:
    """Return the Dockerfile without the stage ``sandbox``: what ``deps`` is built from, and known by.

    An engine without BuildKit would run that stage as well, on a base that has no wheels yet.
    """
    small = _SMALL_STAGE.search(dockerfile := read_input(DOCKERFILE))
    assert small is not None
    return dockerfile.replace(small[0], b"")


def deps_digest(base: str) -> str:
    return hash_parts(base.encode(), deps_dockerfile(), read_input(LOCK_FILE))


def sandbox_files() -> list[Path]:
    return sorted(path.relative_to(ROOT) for path in (ROOT / "sandbox").rglob("*.py"))


def sandbox_digest(deps: str) -> str:
    parts = [part for path in sandbox_files() for part in (str(path).encode(), read_input(path))]
    return hash_parts(deps.encode(), read_input(DOCKERFILE), *parts)


def sandbox_context() -> IO[bytes]:
    """Return the Dockerfile and sandbox/ as a tar."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in (DOCKERFILE, *sandbox_files()):
            _add(archive, path, read_input(path))
    packed.seek(0)
    return packed


def _add(archive: tarfile.TarFile, path: Path, data: bytes) -> None:
    entry = tarfile.TarInfo(str(path))
    entry.size, entry.mode = len(data), 0o644
    archive.addfile(entry, io.BytesIO(data))


@contextmanager
def deps_context(wheels: Path) -> Iterator[IO[bytes]]:
    """Give the wheels and what is done with them, as a tar that is made while it is read, not on disk."""
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source:

        def fill() -> None:
            try:
                with os.fdopen(write, "wb") as sink, tarfile.open(fileobj=sink, mode="w|") as archive:
                    _add(archive, DOCKERFILE, deps_dockerfile())
                    _add(archive, LOCK_FILE, read_input(LOCK_FILE))
                    for wheel in sorted(wheels.glob("*.whl")):
                        archive.add(wheel, f"wheels/{wheel.name}")
            except BrokenPipeError:
                return  # the engine has refused; its answer says why

        filler = threading.Thread(target=fill, name="context", daemon=True)
        filler.start()
        yield source
    filler.join()
