"""Check the types of `sandbox/` strictly inside the image, where torch is installed.

The host has no torch, so the ordinary check (`make lint`) treats everything of torch as ``Any``. The image
has no mypy and containers have no network, so this adds the mypy of the host's lock file to the image as a
temporary layer, runs it in a container on the image's own copy of `sandbox/`, and exits with its exit code::

    make typecheck-sandbox      or      .venv/bin/python -m tests.tools.typecheck_sandbox
"""

from __future__ import annotations

import importlib.metadata
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from runner.checkout import ROOT
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.engine.container_spec import trainer_container
from runner.engine.session import container_session
from runner.image.image import Image, require_image

PACKAGES: Final = ("mypy", "mypy-extensions", "typing-extensions", "pathspec", "librt", "ast-serialize")
"""mypy and its dependencies, without optional ones."""
LOCK_FILE: Final = ROOT / "requirements" / "dev.txt"
_CONFIG: Final = Path(__file__).with_name("mypy-sandbox.ini")
_IMAGE_PYTHON: Final = (3, 11)
_SILENCE_SECONDS: Final = 600.0

_DOCKERFILE: Final = """FROM {image} AS typecheck
COPY packages /opt/typecheck/packages
COPY mypy.ini /opt/typecheck/mypy.ini
"""
"""A layer and not a file system in memory: mypy is compiled, and containers may execute nothing there."""

_SCRIPT: Final = """
import os, sys
os.chdir("/opt/unlearn")
os.environ["PYTHONPATH"] = "/opt/typecheck/packages"
options = ["--config-file", "/opt/typecheck/mypy.ini", "--cache-dir", os.devnull]
os.execv(sys.executable, [sys.executable, "-m", "mypy", *options])
"""


def typecheck(engine: Engine, image: Image, labels: dict[str, str]) -> tuple[int, str]:
    """Return mypy's exit code and what it prints."""
    tag = f"unlearn-typecheck:{uuid.uuid4().hex[:16]}"
    try:
        engine.images.build(
            context=_context(image.tag),
            target="typecheck",
            tag=tag,
            arguments={},
            labels=labels,
            on_line=lambda _line: None,
        )
        return _run_mypy(engine, tag, labels)
    finally:
        engine.images.remove(tag)


def _run_mypy(engine: Engine, tag: str, labels: dict[str, str]) -> tuple[int, str]:
    spec = trainer_container(image=tag, cpus=1.0, labels=labels)
    spec = replace(spec, command=("/opt/venv/bin/python", "-c", _SCRIPT))
    container = engine.start(spec)
    try:
        text = b""
        while (data := container.receive(_SILENCE_SECONDS)) is not None:
            if not data:
                raise TimeoutError(f"mypy printed nothing for {_SILENCE_SECONDS:.0f} s")
            text += data
        end = container.ending()
        assert end is not None, "the engine does not report how mypy ended"
        return end.exit_code, (text + container.stderr).decode()
    finally:
        container.remove()


def _context(image: str) -> IO[bytes]:
    """Return the build context, a tar: Dockerfile, mypy's configuration and packages."""
    buffer = io.BytesIO()
    dockerfile = _DOCKERFILE.format(image=image).encode()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in [
            ("Dockerfile", dockerfile),
            ("mypy.ini", _CONFIG.read_bytes()),
            *_package_files(),
        ]:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    buffer.seek(0)
    return buffer


def _package_files() -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file: from this environment if it has the image's Python, else downloaded."""
    if sys.version_info[:2] != _IMAGE_PYTHON:
        yield from _downloaded_files()
        return
    for package in PACKAGES:
        for file in importlib.metadata.files(package) or []:
            path = Path(str(file.locate()))
            if ".." not in file.parts and path.suffix != ".pyc" and path.is_file():
                yield f"packages/{file.as_posix()}", path.read_bytes()


def _downloaded_files() -> Iterator[tuple[str, bytes]]:
    """Yield the files of the wheels for the image's Python, by the hashes of the lock file."""
    with tempfile.TemporaryDirectory(prefix="unlearn-mypy-") as folder:
        pinned = Path(folder) / "pinned.txt"
        pinned.write_text(pinned_requirements(LOCK_FILE.read_text(), PACKAGES))
        version = ".".join(map(str, _IMAGE_PYTHON))
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
                *("--no-deps", "--require-hashes", "--only-binary", ":all:", "--python-version", version),
                *("--dest", folder, "--requirement", str(pinned)),
            ],
            check=True,
        )
        for wheel in sorted(Path(folder).glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                for name in archive.namelist():
                    if not name.endswith("/"):
                        yield f"packages/{name}", archive.read(name)


def pinned_requirements(lock: str, packages: tuple[str, ...]) -> str:
    """Return the entries of a lock file for some packages, with their hashes.

    Raises:
        ValueError: the lock file does not pin one of them.
    """
    matches = re.finditer(r"^(?P<name>[A-Za-z0-9._-]+)==.*(?:\n[ \t].*)*", lock, re.MULTILINE)
    entries = {match["name"].lower(): match[0] for match in matches}
    missing = [package for package in packages if package not in entries]
    if missing:
        raise ValueError(f"the lock file does not pin {missing[0]}")
    return "\n".join(entries[package] for package in packages) + "\n"


def main() -> int:
    """Print what mypy prints, and return its exit code."""
    engine = connect_engine()
    with container_session(engine) as labels:
        code, text = typecheck(engine, require_image(engine), labels)
    sys.stdout.write(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
