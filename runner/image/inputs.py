"""The files that the image is built from: their digests, and the build contexts sent to the engine."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from runner.checkout import ROOT
from runner.errors import HostNotReadyError
from runner.image.platform import AMD64, Platform
from runner.image.torch_wheels import TorchWheels

DOCKERFILE: Final = Path("Dockerfile")
LOCK_FILE: Final = Path("requirements/image.txt")
"""Where the Dockerfile expects the lock file of ``deps``, whichever platform's it is."""
EXTRAS_LOCK_FILE: Final = Path("requirements/image-extras.txt")
_STAGE: Final = re.compile(rb"^FROM \S+ AS (\S+)\n(?:.+\n)*", re.MULTILINE)
"""A stage of the Dockerfile, and its name."""
_EXTRAS_STAGES: Final = (b"extra-wheels", b"extras")


@dataclass(frozen=True, slots=True)
class ImageInputs:
    """The inputs of the image in a checkout of the project, or in an installed package."""

    checkout: Path = ROOT
    platform: Platform = AMD64
    torch: TorchWheels | None = None
    """Wheels of torch from another package index; None for those of the lock file."""

    def read(self, path: Path) -> bytes:
        """Return the content of a file; ``path`` is relative to the checkout.

        Raises:
            HostNotReadyError: the file cannot be read.
        """
        try:
            return (self.checkout / path).read_bytes()
        except OSError as error:
            raise HostNotReadyError(
                f"{path} is missing in {self.checkout}, from which the image is built; install unlearn again."
            ) from error

    def deps_dockerfile(self) -> bytes:
        """Return the Dockerfile without the stages that stand on ``deps``: an input of ``deps``.

        An engine without BuildKit would run those stages as well, on a base that has no wheels yet.
        """
        return self._dockerfile_without(lambda stage: stage == b"sandbox" or stage in _EXTRAS_STAGES)

    def extras_dockerfile(self) -> bytes:
        """Return the Dockerfile with the stages of ``extras`` only: an input of ``extras``."""
        return self._dockerfile_without(lambda stage: stage not in _EXTRAS_STAGES)

    def _dockerfile_without(self, is_left_out: Callable[[bytes], bool]) -> bytes:
        text = _STAGE.sub(lambda stage: b"" if is_left_out(stage[1]) else stage[0], self.read(DOCKERFILE))
        return re.sub(rb"\n{3,}", b"\n\n\n", text)  # a stage that is added elsewhere changes no digest

    def deps_digest(self, base: str) -> str:
        """Return the digest of ``deps`` on a base image with the identity ``base``."""
        return _digest(base.encode(), self.deps_dockerfile(), self.lock())

    def lock(self) -> bytes:
        """Return the lock file of ``deps``: an input."""
        lock = self.read(self.platform.lock_file)
        return self.torch.lock(lock) if self.torch is not None else lock

    def extras_lock(self) -> bytes:
        """Return the lock file of ``extras``: an input."""
        return self.read(self.platform.extras_lock_file)

    def version_digest(self) -> str:
        """Return a digest of this version's inputs, whatever base, platform and wheels of torch are."""
        return self.sandbox_digest(_digest(self.read(LOCK_FILE), self.read(EXTRAS_LOCK_FILE)))

    def extras_digest(self, deps: str) -> str:
        """Return the digest of ``extras`` on ``deps``, which is a digest."""
        return _digest(deps.encode(), self.extras_dockerfile(), self.extras_lock())

    def image_digest(self, base: str) -> str:
        """Return the digest of the whole image on a base image with the identity ``base``."""
        return self.sandbox_digest(self.extras_digest(self.deps_digest(base)))

    def sandbox_files(self) -> dict[str, bytes]:
        """Return the files of ``sandbox/`` by their paths in the checkout, which start with ``sandbox/``."""
        return {path.as_posix(): self.read(path) for path in self._sandbox_files()}

    def sandbox_digest(self, extras: str) -> str:
        """Return the digest of the whole image on ``extras``, which is a digest."""
        files = [part for path, data in self.sandbox_files().items() for part in (path.encode(), data)]
        return _digest(extras.encode(), self.read(DOCKERFILE), *files)

    def sandbox_context(self) -> IO[bytes]:
        """Return the Dockerfile and ``sandbox/`` as a tar."""
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as archive:
            _add(archive, DOCKERFILE, self.read(DOCKERFILE))
            for path, data in self.sandbox_files().items():
                _add(archive, Path(path), data)
        context.seek(0)
        return context

    @contextmanager
    def wheels_context(
        self, wheels: Path, *, dockerfile: bytes, lock_file: Path, lock: bytes
    ) -> Iterator[IO[bytes]]:
        """Provide a Dockerfile, a lock file and the wheels that it names as a tar.

        A thread writes the tar while it is read, so it takes no space on disk.

        Args:
            wheels: Their folder.
            dockerfile: Its content.
            lock_file: Where the Dockerfile expects it.
            lock: Its content.
        """
        read, write = os.pipe()
        with os.fdopen(read, "rb") as source:

            def fill() -> None:
                try:
                    with os.fdopen(write, "wb") as sink, tarfile.open(fileobj=sink, mode="w|") as archive:
                        _add(archive, DOCKERFILE, dockerfile)
                        _add(archive, lock_file, lock)
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
