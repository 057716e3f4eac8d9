"""Build the image in four stages, each only if it is missing: base, deps (the wheels), extras, sandbox."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from runner.engine.api import Engine
from runner.errors import HostNotReadyError
from runner.image.image import (
    BASE_LABEL,
    BASE_REPOSITORY,
    BASE_TAG,
    DEPS_REPOSITORY,
    DIGEST_LABEL,
    REPOSITORY,
    STAGE_LABEL,
    Image,
    find_image,
    require_image,
)
from runner.image.inputs import DEFAULT_INPUTS, EXTRAS_LOCK_FILE, LOCK_FILE, ImageInputs
from runner.progress import Reporter

_REGISTRY_BASE: Final = ("python", "3.11-slim-bookworm")
BUILD_DISK_BYTES: Final = 22 << 30
"""Disk space that building takes at its peak: wheels twice, then two layers of 6 GB."""
_EXTRAS_DISK_BYTES: Final = 1 << 30
_NO_OUTPUT: Final = "it printed nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wheels:
    """A target of the Dockerfile that installs wheels, and its inputs."""

    target: str
    digest: str
    dockerfile: bytes
    lock_file: Path
    arguments: dict[str, str]
    disk_bytes: int
    texts: tuple[str, str]
    """For people: the size of the download, and how long installing takes."""

    @property
    def tag(self) -> str:
        """Return the name of the built target in the engine."""
        return f"{DEPS_REPOSITORY}:{self.digest[:16]}"


def build_image(engine: Engine, reporter: Reporter, inputs: ImageInputs = DEFAULT_INPUTS) -> Image:
    """Return the image for the present inputs, building what is missing.

    Raises:
        HostNotReadyError: something that building needs is not available on this host.
    """
    if (image := find_image(engine, inputs)) is not None:
        return image
    base, base_tag = _ensure_base(engine, reporter), f"{BASE_REPOSITORY}:{BASE_TAG}"
    deps = _Wheels(
        target="deps",
        digest=inputs.deps_digest(base),
        dockerfile=inputs.deps_dockerfile(),
        lock_file=LOCK_FILE,
        arguments={"BASE": base_tag},
        disk_bytes=BUILD_DISK_BYTES,
        texts=("2.9 GB", " (about 4 minutes from here)"),
    )
    extras = _Wheels(
        target="extras",
        digest=inputs.extras_digest(deps.digest),
        dockerfile=inputs.extras_dockerfile(),
        lock_file=EXTRAS_LOCK_FILE,
        arguments={"BASE": base_tag, "DEPS": deps.tag},
        disk_bytes=_EXTRAS_DISK_BYTES,
        texts=("26 MB", ""),
    )
    if engine.images.identity(extras.tag) is None:
        for wheels in (deps, extras):
            if engine.images.identity(wheels.tag) is None:
                _build_wheels(engine, reporter, inputs, wheels)
    digest = inputs.sandbox_digest(extras.digest)
    reporter.step("image: copying sandbox/")
    engine.images.build(
        context=inputs.sandbox_context(),
        target="sandbox",
        tag=f"{REPOSITORY}:{digest[:16]}",
        arguments={"BASE": base_tag, "DEPS": extras.tag},
        labels={DIGEST_LABEL: digest, BASE_LABEL: base},
        on_line=lambda _line: None,
    )
    return require_image(engine, inputs)


def _ensure_base(engine: Engine, reporter: Reporter) -> str:
    """Return the identity of the base image; get it from a registry if one is reachable, else from Debian."""
    tag = f"{BASE_REPOSITORY}:{BASE_TAG}"
    if (identity := engine.images.identity(tag)) is not None:
        return identity
    reporter.step("image: looking for the base image in a registry")
    if engine.images.pull(*_REGISTRY_BASE):
        engine.images.tag(":".join(_REGISTRY_BASE), BASE_REPOSITORY, BASE_TAG)
    else:
        _base_from_debian(engine, reporter)
    identity = engine.images.identity(tag)
    assert identity is not None
    return identity


def _base_from_debian(engine: Engine, reporter: Reporter) -> None:
    if shutil.which("mmdebstrap") is None:
        raise HostNotReadyError(
            "No image registry is reachable and mmdebstrap is not installed, so there is no base image; "
            "install the Debian package mmdebstrap, or let the engine reach a registry."
        )
    reporter.step("image: no registry; building the base from Debian packages (half a minute)")
    with tempfile.TemporaryDirectory(prefix="unlearn-base-") as folder:
        archive = Path(folder) / "base.tar"
        result = subprocess.run(
            ["mmdebstrap", "--variant=minbase", "--include=python3,python3-venv", "bookworm", str(archive)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            last = (result.stderr.strip().splitlines() or [_NO_OUTPUT])[-1]
            raise HostNotReadyError(f"The base image could not be built from Debian packages: {last}")
        engine.images.import_archive(archive, BASE_REPOSITORY, BASE_TAG)


def _build_wheels(engine: Engine, reporter: Reporter, inputs: ImageInputs, wheels: _Wheels) -> None:
    """Download the wheels of a lock file and build the target that installs them."""
    lock = hashlib.sha256(inputs.read(wheels.lock_file)).hexdigest()
    folder = Path(platformdirs.user_cache_dir("unlearn")) / "wheels" / lock[:16]
    _require_disk(folder, wheels.disk_bytes)
    _download_wheels(folder, reporter, inputs, wheels)
    reporter.step(f"image: sending the wheels to the engine{wheels.texts[1]}")
    with inputs.wheels_context(folder, dockerfile=wheels.dockerfile, lock_file=wheels.lock_file) as context:
        engine.images.build(
            context=context,
            target=wheels.target,
            tag=wheels.tag,
            arguments=wheels.arguments,
            labels={DIGEST_LABEL: wheels.digest},
            on_line=lambda line: _report(line, reporter),
        )
    engine.images.remove_dangling({STAGE_LABEL: "wheels"})
    shutil.rmtree(folder, ignore_errors=True)


def _report(line: str, reporter: Reporter) -> None:
    """Show the steps among the lines that an engine prints while it builds."""
    if line.startswith("Step "):
        reporter.step("image: " + line.splitlines()[0][:100])
    elif line.startswith("Installing collected"):
        reporter.step("image: installing the wheels")


def _require_disk(folder: Path, needed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise HostNotReadyError(
            f"Building the image needs about {needed >> 30} GB of disk temporarily; {free >> 30} GB are free."
        )


def _download_wheels(folder: Path, reporter: Reporter, inputs: ImageInputs, wheels: _Wheels) -> None:
    """Download the wheels that the lock file names, checked by hash, unless they exist already."""
    text = f"image: downloading wheels ({wheels.texts[0]})"
    reporter.step(text)
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"),
        *("--only-binary=:all:", "--python-version=3.11", "--no-cache-dir", "--progress-bar=off"),
        *(
            "--disable-pip-version-check",
            "--no-input",
            "--dest",
            str(folder),
            "-r",
            str(inputs.checkout / wheels.lock_file),
        ),
    ]
    total = sum("==" in line for line in inputs.read(wheels.lock_file).decode().splitlines())
    problem, done = _NO_OUTPUT, 0
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            if line.startswith(("Saved ", "  File was already downloaded")):
                done += 1
                reporter.count(text, min(done, total), total)
            elif line.startswith("ERROR"):
                problem = line.strip()
    if pip.returncode != 0:
        raise HostNotReadyError(f"The wheels for the image could not be downloaded from PyPI: {problem}")
