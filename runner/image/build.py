"""Build the image in four stages, each only if it is missing: base, deps (the wheels), extras, sandbox."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
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
    TORCH_LABEL,
    Image,
    digest_of,
    find_built_image,
    has_present_inputs,
    image_with,
    inputs_on_base,
    select_image,
)
from runner.image.inputs import DEFAULT_INPUTS, EXTRAS_LOCK_FILE, LOCK_FILE, ImageInputs
from runner.image.platform import platform_of
from runner.image.torch_wheels import TorchWheels, checked_index, without_torch
from runner.image.wheels import download_torch, download_wheels, take_torch
from runner.progress import Reporter

_REGISTRY_BASE: Final = ("python", "3.11-slim-bookworm")
BUILD_DISK_BYTES: Final = 22 << 30
"""Disk space that building takes at its peak: wheels twice, then two layers of 6 GB."""
_SMALL_DISK_BYTES: Final = 6 << 30
"""The same with builds of torch for the CPU alone."""
_EXTRAS_DISK_BYTES: Final = 1 << 30
_NO_OUTPUT: Final = "it printed nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wheels:
    """A target of the Dockerfile that installs wheels, and its inputs."""

    target: str
    digest: str
    dockerfile: bytes
    lock_file: Path
    """Where the Dockerfile expects the lock file."""
    lock: bytes
    from_pypi: bytes
    """The part of the lock file whose wheels come from PyPI."""
    arguments: dict[str, str]
    disk_bytes: int
    texts: tuple[str, str]
    """For people: the size of the download, and how long installing takes."""

    @property
    def tag(self) -> str:
        """Return the name of the built target in the engine."""
        return f"{DEPS_REPOSITORY}:{self.digest[:16]}"

    def folder(self) -> Path:
        """Return where the wheels are while they are downloaded and sent."""
        digest = hashlib.sha256(self.lock).hexdigest()
        return Path(platformdirs.user_cache_dir("unlearn")) / "wheels" / digest[:16]


def build_image(
    engine: Engine, reporter: Reporter, inputs: ImageInputs = DEFAULT_INPUTS, *, torch_index: str = ""
) -> Image:
    """Return the image for the present inputs on this engine's base, building what is missing, and use it.

    Args:
        engine: Builds it, for its own platform.
        reporter: Receives progress.
        inputs: Of this version.
        torch_index: Address of a package index that torch and torchvision are taken from; empty for PyPI.

    Raises:
        ConfigurationError: ``torch_index`` is no address.
        HostNotReadyError: something that building needs is not available on this host.
    """
    index = checked_index(torch_index) if torch_index else ""
    image = find_built_from(engine, index, inputs) if index else find_built_image(engine, inputs)
    if image is None:
        base = _ensure_base(engine, reporter)
        inputs = inputs_on_base(engine, inputs)
        if index:
            torch = download_torch(torch_index, index, inputs, reporter)
            inputs = replace(inputs, torch=torch)
        image = _build(engine, reporter, inputs, base)
    select_image(engine, image, inputs)
    return image


def find_built_from(engine: Engine, index: str, inputs: ImageInputs = DEFAULT_INPUTS) -> Image | None:
    """Return the image on this engine's base with wheels of torch from an index; None if it is not built.

    Args:
        engine: Has the images.
        index: Its address, as `checked_index` returns it.
        inputs: Of this version.
    """
    base = engine.images.identity(f"{BASE_REPOSITORY}:{BASE_TAG}")
    for tag in engine.images.tags(REPOSITORY):
        facts = engine.images.facts(tag)
        if base is None or facts["labels"].get(BASE_LABEL) != base or TORCH_LABEL not in facts["labels"]:
            continue
        torch = TorchWheels.of_label(facts["labels"][TORCH_LABEL])
        if torch is not None and torch.index == index and has_present_inputs(facts, inputs):
            return image_with(engine, digest_of(facts))
    return None


def _build(engine: Engine, reporter: Reporter, inputs: ImageInputs, base: str) -> Image:
    base_tag = f"{BASE_REPOSITORY}:{BASE_TAG}"
    with_torch = inputs.torch is None
    deps = _Wheels(
        target="deps",
        digest=inputs.deps_digest(base),
        dockerfile=inputs.deps_dockerfile(),
        lock_file=LOCK_FILE,
        lock=inputs.lock(),
        from_pypi=inputs.lock() if with_torch else without_torch(inputs.read(inputs.platform.lock_file)),
        arguments={"BASE": base_tag},
        disk_bytes=BUILD_DISK_BYTES if with_torch else _SMALL_DISK_BYTES,
        texts=("2.9 GB" if with_torch else "0.2 GB", " (about 4 minutes from here)" if with_torch else ""),
    )
    extras = _Wheels(
        target="extras",
        digest=inputs.extras_digest(deps.digest),
        dockerfile=inputs.extras_dockerfile(),
        lock_file=EXTRAS_LOCK_FILE,
        lock=inputs.extras_lock(),
        from_pypi=inputs.extras_lock(),
        arguments={"BASE": base_tag, "DEPS": deps.tag},
        disk_bytes=_EXTRAS_DISK_BYTES,
        texts=("26 MB", ""),
    )
    if engine.images.identity(extras.tag) is None:
        for wheels in (deps, extras):
            if engine.images.identity(wheels.tag) is None:
                _build_wheels(engine, reporter, inputs, wheels)
    digest = inputs.sandbox_digest(extras.digest)
    torch = {TORCH_LABEL: inputs.torch.label()} if inputs.torch is not None else {}
    reporter.step("image: copying sandbox/")
    engine.images.build(
        context=inputs.sandbox_context(),
        target="sandbox",
        tag=f"{REPOSITORY}:{digest[:16]}",
        arguments={"BASE": base_tag, "DEPS": extras.tag},
        labels={DIGEST_LABEL: digest, BASE_LABEL: base, **torch},
        on_line=lambda _line: None,
    )
    image = image_with(engine, digest)
    assert image is not None
    return image


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
    if platform_of(platform.machine()) is not platform_of(engine.info().architecture):
        raise HostNotReadyError(
            "No image registry is reachable, and mmdebstrap builds the base for this host's architecture "
            f"({platform.machine()}), which is not the engine's ({engine.info().architecture}); let the "
            "engine reach a registry."
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
    folder = wheels.folder()
    _require_disk(folder, wheels.disk_bytes)
    if inputs.torch is not None and wheels.target == "deps":
        take_torch(inputs.torch, folder)
    download_wheels(wheels.from_pypi, folder, inputs.platform, reporter, size=wheels.texts[0])
    reporter.step(f"image: sending the wheels to the engine{wheels.texts[1]}")
    with inputs.wheels_context(
        folder, dockerfile=wheels.dockerfile, lock_file=wheels.lock_file, lock=wheels.lock
    ) as context:
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
