"""The files that the image is built from: their digests, and the build contexts sent to the engine."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from runner.checkout import ROOT
from runner.errors import HostNotReadyError

DOCKERFILE: Final = Path("Dockerfile")
LOCK_FILE: Final = Path("requirements/image.txt")
_SANDBOX_STAGE: Final = re.compile(rb"^FROM \S+ AS sandbox\n(?:.+\n)*", re.MULTILINE)
"""The part of the Dockerfile that the wheels do not depend on."""


@dataclass(frozen=True, slots=True)
class ImageInputs:
    """The inputs of the image in a checkout of the project."""

    checkout: Path = ROOT

    def read(self, path: Path) -> bytes:
        """Return the content of a file; ``path`` is relative to the checkout.

        Raises:
            HostNotReadyError: the file cannot be read.
        """
        try:
            return (self.checkout / path).read_bytes()
        except OSError as error:
            raise HostNotReadyError(
                f"{path} is missing next to runner/; the image is built from a checkout of the project."
            ) from error

    def lock_digest(self) -> str:
        """Return the digest of the lock file, which names the wheels."""
        return _digest(self.read(LOCK_FILE))

    def deps_dockerfile(self) -> bytes:
        """Return the Dockerfile without the stage ``sandbox``: an input of ``deps``.

        An engine without BuildKit would run that stage as well, on a base that has no wheels yet.
        """
        dockerfile = self.read(DOCKERFILE)
        stage = _SANDBOX_STAGE.search(dockerfile)
        assert stage is not None
        return dockerfile.replace(stage[0], b"")

    def deps_digest(self, base: str) -> str:
        """Return the digest of ``deps`` on a base image with the identity ``base``."""
        return _digest(base.encode(), self.deps_dockerfile(), self.read(LOCK_FILE))

    def sandbox_digest(self, deps: str) -> str:
        """Return the digest of the whole image on ``deps``, which is a digest."""
        files = [part for path in self._sandbox_files() for part in (str(path).encode(), self.read(path))]
        return _digest(deps.encode(), self.read(DOCKERFILE), *files)

    def sandbox_context(self) -> IO[bytes]:
        """Return the Dockerfile and ``sandbox/`` as a tar."""
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as archive:
            for path in (DOCKERFILE, *self._sandbox_files()):
                _add(archive, path, self.read(path))
        context.seek(0)
        return context

    @contextmanager
    def deps_context(self, wheels: Path) -> Iterator[IO[bytes]]:
        """Provide the Dockerfile, the lock file and the wheels as a tar.

        A thread writes the tar while it is read, so it takes no space on disk.
        """
        read, write = os.pipe()
        with os.fdopen(read, "rb") as source:

            def fill() -> None:
                try:
                    with os.fdopen(write, "wb") as sink, tarfile.open(fileobj=sink, mode="w|") as archive:
                        _add(archive, DOCKERFILE, self.deps_dockerfile())
                        _add(archive, LOCK_FILE, self.read(LOCK_FILE))
                        for wheel in sorted(wheels.glob("*.whl")):
                            archive.add(wheel, f"wheels/{wheel.name}")
                except BrokenPipeError:
                    return  # the engine stopped reading; its answer says why

            writer = threading.Thread(target=fill, name="context", daemon=True)
            writer.start()
            yield source
        writer.join()

    def _sandbox_files(self) -> list[Path]:
        return sorted(path.relative_to(self.checkout) for path in (self.checkout / "sandbox").rglob("*.py"))


DEFAULT_INPUTS: Final = ImageInputs()
"""The inputs in this checkout."""


def _digest(*parts: bytes) -> str:
    """Return the SHA-256 of byte strings, each with its length in front, in hex."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _add(archive: tarfile.TarFile, path: Path, data: bytes) -> None:
    entry = tarfile.TarInfo(str(path))
    entry.size, entry.mode = len(data), 0o644
    archive.addfile(entry, io.BytesIO(data))
