"""The one image: known by a digest of what goes into it, built when that changes.

Two digests, because two things change at different speeds: ``deps`` from the base image,
the Dockerfile and the lock file; ``sandbox`` from that and the files of ``sandbox/``.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import platformdirs

from runner.engine import Engine
from runner.errors import HostNotReadyError
from runner.progress import Reporter

REPOSITORY: Final = "unlearn-sandbox"
DEPS_REPOSITORY: Final = "unlearn-deps"
BASE_REPOSITORY: Final = "unlearn-base"
BASE_TAG: Final = "python3.11-bookworm"
_REGISTRY_BASE: Final = ("python", "3.11-slim-bookworm")
DIGEST_LABEL: Final = "org.unlearn.inputs"
STAGE_LABEL: Final = "org.unlearn.stage"
BASE_LABEL: Final = "org.unlearn.base"
BUILDING_BYTES: Final = 22 << 30
"""Free space that building takes at its peak: wheels twice, then two layers of 6 GB."""

_ROOT: Final = Path(__file__).resolve().parent.parent
_SMALL_STAGE: Final = re.compile(rb"^FROM \S+ AS sandbox\n(?:.+\n)*", re.MULTILINE)
"""What the wheels do not depend on."""
_DOCKERFILE: Final = Path("Dockerfile")
_LOCK: Final = Path("requirements/image.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image that containers are started from."""

    digest: str
    """SHA-256 of all its inputs, in hex."""
    identity: str
    """The engine's own digest of what was built."""

    @property
    def tag(self) -> str:
        """Return the name that the engine knows it by."""
        return f"{REPOSITORY}:{self.digest[:16]}"


def find(engine: Engine) -> Image | None:
    """Return the image for the present inputs if it is built."""
    base = engine.image_identity(f"{BASE_REPOSITORY}:{BASE_TAG}")
    if base is None:
        return None
    digest = _sandbox_digest(_deps_digest(base))
    identity = engine.image_identity(f"{REPOSITORY}:{digest[:16]}")
    return Image(digest=digest, identity=identity) if identity else None


def require(engine: Engine) -> Image:
    """Return the image for the present inputs.

    Raises:
        HostNotReadyError: it is not built.
    """
    image = find(engine)
    if image is None:
        raise HostNotReadyError(
            "The image is not built, or its inputs have changed; run: unlearn image build"
        )
    return image


def build(engine: Engine, reporter: Reporter) -> Image:
    """Return the image for the present inputs, building what is missing.

    Raises:
        HostNotReadyError: something that building needs is not to be had here.
    """
    if (found := find(engine)) is not None:
        return found
    base = _ensure_base(engine, reporter)
    deps = _deps_digest(base)
    deps_tag = f"{DEPS_REPOSITORY}:{deps[:16]}"
    if engine.image_identity(deps_tag) is None:
        _build_deps(engine, reporter, deps, deps_tag)
    digest = _sandbox_digest(deps)
    reporter.step("image: copying sandbox/")
    engine.build(
        context=_small_context(),
        target="sandbox",
        tag=f"{REPOSITORY}:{digest[:16]}",
        arguments={"BASE": f"{BASE_REPOSITORY}:{BASE_TAG}", "DEPS": deps_tag},
        labels={DIGEST_LABEL: digest, BASE_LABEL: base},
        on_line=lambda _line: None,
    )
    return require(engine)


def remove_superseded(engine: Engine) -> int:
    """Remove all images but the present ones, and return how many there were.

    Not done by building: an evaluation can be gone on with, and verified, only with its own image.
    """
    base = engine.image_identity(f"{BASE_REPOSITORY}:{BASE_TAG}") or ""
    deps = _deps_digest(base)
    present = {f"{REPOSITORY}:{_sandbox_digest(deps)[:16]}", f"{DEPS_REPOSITORY}:{deps[:16]}"}
    stale = {tag for name in (REPOSITORY, DEPS_REPOSITORY) for tag in engine.images(name)} - present
    for tag in stale:
        engine.remove_image(tag)
    return len(stale)


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _read(path: Path) -> bytes:
    try:
        return (_ROOT / path).read_bytes()
    except OSError as error:
        raise HostNotReadyError(
            f"{path} is missing beside runner/; the image is built from a checkout of the project."
        ) from error


def dockerfile_of_deps() -> bytes:
    """Return the Dockerfile without the stage ``sandbox``: what ``deps`` is built from, and known by.

    An engine without BuildKit would run that stage as well, on a base that has no wheels yet.
    """
    small = _SMALL_STAGE.search(dockerfile := _read(_DOCKERFILE))
    assert small is not None
    return dockerfile.replace(small[0], b"")


def _deps_digest(base: str) -> str:
    return _hash(base.encode(), dockerfile_of_deps(), _read(_LOCK))


def _sandbox_files() -> list[Path]:
    return sorted(path.relative_to(_ROOT) for path in (_ROOT / "sandbox").rglob("*.py"))


def _sandbox_digest(deps: str) -> str:
    parts = [part for path in _sandbox_files() for part in (str(path).encode(), _read(path))]
    return _hash(deps.encode(), _read(_DOCKERFILE), *parts)


def _ensure_base(engine: Engine, reporter: Reporter) -> str:
    """Return the identity of the base image; from a registry if one is reachable, else from Debian."""
    tag = f"{BASE_REPOSITORY}:{BASE_TAG}"
    if (identity := engine.image_identity(tag)) is not None:
        return identity
    reporter.step("image: looking for the base image in a registry")
    if engine.pull(*_REGISTRY_BASE):
        engine.tag(":".join(_REGISTRY_BASE), BASE_REPOSITORY, BASE_TAG)
    else:
        _base_from_debian(engine, reporter)
    identity = engine.image_identity(tag)
    assert identity is not None
    return identity


def _base_from_debian(engine: Engine, reporter: Reporter) -> None:
    if shutil.which("mmdebstrap") is None:
        raise HostNotReadyError(
            "No image registry is reachable and mmdebstrap is not installed, so there is no base image; "
            "install the Debian package mmdebstrap, or let the engine reach a registry."
        )
    reporter.step("image: no registry; making the base from Debian packages (half a minute)")
    with tempfile.TemporaryDirectory(prefix="unlearn-base-") as folder:
        archive = Path(folder) / "base.tar"
        made = subprocess.run(
            ["mmdebstrap", "--variant=minbase", "--include=python3,python3-venv", "bookworm", str(archive)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            last = (made.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise HostNotReadyError(f"The base image could not be made from Debian packages: {last}")
        engine.import_archive(archive, BASE_REPOSITORY, BASE_TAG)


def _build_deps(engine: Engine, reporter: Reporter, digest: str, tag: str) -> None:
    wheels = Path(platformdirs.user_cache_dir("unlearn")) / "wheels" / _hash(_read(_LOCK))[:16]
    _require_disk(wheels)
    _collect_wheels(wheels, reporter)
    reporter.step("image: sending the wheels to the engine (about 4 minutes from here)")
    with _large_context(wheels) as context:
        engine.build(
            context=context,
            target="deps",
            tag=tag,
            arguments={"BASE": f"{BASE_REPOSITORY}:{BASE_TAG}"},
            labels={DIGEST_LABEL: digest},
            on_line=lambda line: _tell(line, reporter),
        )
    engine.remove_dangling({STAGE_LABEL: "wheels"})
    shutil.rmtree(wheels, ignore_errors=True)


def _tell(line: str, reporter: Reporter) -> None:
    if line.startswith("Step "):
        reporter.step("image: " + line.splitlines()[0][:100])
    elif line.startswith("Installing collected"):
        reporter.step("image: installing the wheels")


def _require_disk(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < BUILDING_BYTES:
        raise HostNotReadyError(
            f"Building the image takes about {BUILDING_BYTES >> 30} GB of disk for a while; "
            f"{free >> 30} GB are free."
        )


def _collect_wheels(folder: Path, reporter: Reporter) -> None:
    """Download what the lock file names, checked by hash; what is there already is kept."""
    text = "image: downloading wheels (2.9 GB)"
    reporter.step(text)
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"),
        *("--only-binary=:all:", "--python-version=3.11", "--no-cache-dir", "--progress-bar=off"),
        *("--disable-pip-version-check", "--no-input", "--dest", str(folder), "-r", str(_ROOT / _LOCK)),
    ]
    total = sum("==" in line for line in _read(_LOCK).decode().splitlines())
    last, done = "it said nothing", 0
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            if line.startswith(("Saved ", "  File was already downloaded")):
                done += 1
                reporter.count(text, min(done, total), total)
            elif line.startswith("ERROR"):
                last = line.strip()
    if pip.returncode != 0:
        raise HostNotReadyError(f"The wheels for the image could not be collected from PyPI: {last}")


def _small_context() -> IO[bytes]:
    """Return the Dockerfile and sandbox/ as a tar."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in (_DOCKERFILE, *_sandbox_files()):
            _add(archive, path, _read(path))
    packed.seek(0)
    return packed


def _add(archive: tarfile.TarFile, path: Path, data: bytes) -> None:
    entry = tarfile.TarInfo(str(path))
    entry.size, entry.mode = len(data), 0o644
    archive.addfile(entry, io.BytesIO(data))


@contextmanager
def _large_context(wheels: Path) -> Iterator[IO[bytes]]:
    """Give the wheels and what is done with them, as a tar that is made while it is read, not on disk."""
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source:

        def fill() -> None:
            try:
                with os.fdopen(write, "wb") as sink, tarfile.open(fileobj=sink, mode="w|") as archive:
                    _add(archive, _DOCKERFILE, dockerfile_of_deps())
                    _add(archive, _LOCK, _read(_LOCK))
                    for wheel in sorted(wheels.glob("*.whl")):
                        archive.add(wheel, f"wheels/{wheel.name}")
            except BrokenPipeError:
                return  # the engine has refused; its answer says why

        filler = threading.Thread(target=fill, name="context", daemon=True)
        filler.start()
        yield source
    filler.join()
