"""Check an image that came from elsewhere: its labels, and the part of its content that can be compared.

Whoever controls an image controls the verdicts and outputs that come out of it, so an organizer takes one by
a digest that they trust. The checks here find what can be told without that: an image for another platform,
an image that claims the inputs of this version and has another ``sandbox/``, and an image that claims none.
They do not read the 6 GB of packages.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from runner.engine.api import Engine
from runner.errors import HostNotReadyError
from runner.image.image import DIGEST_LABEL, digest_of, has_present_inputs
from runner.image.inputs import DEFAULT_INPUTS, ImageInputs
from runner.image.platform import AMD64, platform_of

_FOLDER: Final = PurePosixPath("/opt/unlearn")
"""Where the Dockerfile copies ``sandbox/`` to; whatever else is in it could be imported too."""
_ALIAS: Final = ("alias/unlearn_sandbox", "../sandbox")
"""The one link in it: its other name, and where it leads."""
_MAX_SANDBOX_BYTES: Final = 32 << 20


def check_contents(
    engine: Engine, name: str, labels: Mapping[str, str], inputs: ImageInputs = DEFAULT_INPUTS
) -> tuple[str, bool]:
    """Return the digest of inputs that an image claims, and whether it belongs to this version.

    Args:
        engine: Has the image.
        name: Of the image there.
        labels: Of this process's containers.
        inputs: Of this version.

    Raises:
        HostNotReadyError: it is no image of this project, is for another platform, or is not what it claims.
    """
    facts = engine.images.facts(name)
    digest = digest_of(facts)
    if not digest:
        raise HostNotReadyError(
            f"{name} is no image of unlearn: it has no label {DIGEST_LABEL}. `unlearn image push` and "
            "`unlearn image save` write such images."
        )
    _require_platform(engine, name, facts)
    if not has_present_inputs(facts, inputs):
        return digest, False
    if (problem := _difference(_sandbox_of(engine, name, labels), inputs.sandbox_files())) is not None:
        raise HostNotReadyError(
            f"{name} claims to be the image of this version of unlearn and is not: {problem}. Do not use it; "
            "ask whoever gave it to you for its digest."
        )
    return digest, True


def _require_platform(engine: Engine, name: str, facts: Mapping[str, Any]) -> None:
    platform = platform_of(engine.info().architecture)
    architecture = facts.get("architecture") or AMD64.architecture
    if architecture != platform.architecture:
        raise HostNotReadyError(
            f"{name} is for linux/{architecture} and the engine runs {platform.name}; each platform has an "
            "image of its own."
        )


def _sandbox_of(engine: Engine, name: str, labels: Mapping[str, str]) -> dict[str, bytes | None]:
    """Return what is in an image's folder of ``sandbox/``, by path; None for what is no plain file.

    Raises:
        HostNotReadyError: it cannot be read.
    """
    archive = engine.images.folder_archive(name, str(_FOLDER), max_bytes=_MAX_SANDBOX_BYTES, labels=labels)
    files: dict[str, bytes | None] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            for member in tar:
                path = member.name.removeprefix("./").removeprefix(f"{_FOLDER.name}/")
                if not member.isdir() and (path, member.linkname) != _ALIAS:
                    content = tar.extractfile(member) if member.isreg() else None
                    files[path] = content.read() if content is not None and path not in files else None
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise HostNotReadyError(f"{_FOLDER} of {name} could not be read: {error}.") from error
    return files


def _difference(actual: Mapping[str, bytes | None], expected: Mapping[str, bytes]) -> str | None:
    """Return the first difference between an image's ``sandbox/`` and this version's, if there is any."""
    for path in sorted({*actual, *expected}):
        if path not in expected:
            return f"it has {path!r}, which this version has not"
        if path not in actual:
            return f"it lacks {path}"
        if actual[path] != expected[path]:
            return f"its {path} is another"
    return None
