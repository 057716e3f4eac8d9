"""Move the image between machines: through a registry, or as a file."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from runner.engine.api import Engine
from runner.errors import ConfigurationError, HostNotReadyError
from runner.image.archive import saved_name
from runner.image.contents import check_contents
from runner.image.image import REPOSITORY, Image, image_with, select_image
from runner.image.inputs import DEFAULT_INPUTS, ImageInputs
from runner.image.reference import Reference
from runner.progress import Reporter
from runner.units import size_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedImage:
    """An image that came from elsewhere, and how it was received."""

    image: Image
    is_present: bool
    """Whether it belongs to this version, so that commands use it from now on."""
    replaced: str | None
    """The engine's digest of an image with the same inputs that lost its name."""


def push_image(engine: Engine, image: Image, reference: Reference, reporter: Reporter) -> Reference:
    """Send the image to a registry, and return by which digest it is there.

    A reference without a tag gets the beginning of the image's digest as its tag.

    Raises:
        ConfigurationError: the reference has a digest, which only the registry can give.
        HostNotReadyError: the registry is not reachable, or refuses.
    """
    if reference.digest:
        raise ConfigurationError(f"Push to a name, not to a digest: {reference.name}, with or without :TAG.")
    name = str(replace(reference, tag=reference.tag or image.digest[:16]))
    before = engine.images.identity(name)
    _tag(engine, image.tag, name)
    reporter.step(f"image: pushing {name}")
    try:
        digest = engine.images.push(name, lambda _line: None)
    except BaseException:
        _restore(engine, name, before)
        raise
    return Reference(name=reference.name, digest=digest)


def pull_image(
    engine: Engine,
    reference: Reference,
    reporter: Reporter,
    *,
    labels: Mapping[str, str],
    inputs: ImageInputs = DEFAULT_INPUTS,
) -> ReceivedImage:
    """Fetch an image from a registry, check it, and use it if it belongs to this version.

    Raises:
        HostNotReadyError: the registry is not reachable or does not have it, or it is not what it claims.
    """
    name = str(
        reference if reference.digest or reference.tag else Reference(name=reference.name, tag="latest")
    )
    before = engine.images.identity(name)
    reporter.step(f"image: pulling {name}")
    try:
        engine.images.fetch(name, lambda _line: None)
        return _receive(engine, name, before=before, labels=labels, inputs=inputs)
    except BaseException:  # an interrupted command must not leave an image that was not checked
        _restore(engine, name, before)
        raise


def save_image(engine: Engine, image: Image, file: Path, reporter: Reporter) -> None:
    """Write the image as a tar; the file appears whole or not at all.

    Raises:
        ConfigurationError: the file exists already.
        HostNotReadyError: the file cannot be written, or the engine broke off.
    """
    _require_new(file)
    total = int(engine.images.facts(image.tag)["size_bytes"])
    text, done, temporary = f"image: saving ({size_text(total)})", 0, ""
    reporter.step(text)
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        with os.fdopen(descriptor, "wb") as out:
            for piece in engine.images.save(image.tag):
                out.write(piece)
                done += len(piece)
                reporter.count(text, min(done, total) >> 20, total >> 20)
        Path(temporary).chmod(0o644)
        _require_new(file)
        Path(temporary).replace(file)
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be written: {error.strerror or error}.") from error
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def _require_new(file: Path) -> None:
    if os.path.lexists(file):
        raise ConfigurationError(f"{file} exists already; name another file.")


def load_image(
    engine: Engine,
    file: Path,
    reporter: Reporter,
    *,
    labels: Mapping[str, str],
    inputs: ImageInputs = DEFAULT_INPUTS,
) -> ReceivedImage:
    """Take over an image that `save_image` wrote, check it, and use it if it belongs to this version.

    Raises:
        ConfigurationError: the file is something else.
        HostNotReadyError: the file cannot be read, or the image is not what it claims.
    """
    try:
        if not file.is_file():
            raise ConfigurationError(f"{file} is no file; name one that `unlearn image save` wrote.")
        archive = file.open("rb")
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be read: {error.strerror or error}.") from error
    with archive:
        name = saved_name(file, archive)
        before = engine.images.identity(name)
        reporter.step(f"image: loading {file} ({size_text(file.stat().st_size)})")
        try:
            engine.images.load(archive)
            return _receive(engine, name, before=before, labels=labels, inputs=inputs)
        except BaseException:  # an interrupted command must not leave an image that was not checked
            _restore(engine, name, before)
            raise


def _receive(
    engine: Engine, name: str, *, before: str | None, labels: Mapping[str, str], inputs: ImageInputs
) -> ReceivedImage:
    """Check an image that the engine has by now, and give it its name here.

    Args:
        engine: Has it.
        name: Of the image there.
        before: The identity of another image that had this name.
        labels: Of this process's containers.
        inputs: Of this version.

    Raises:
        HostNotReadyError: it is not what it claims, or would take the name of an image of another version.
    """
    digest, is_present = check_contents(engine, name, labels, inputs)
    identity = engine.images.identity(name)
    assert identity is not None
    image = Image(digest=digest, identity=identity)  # its other names are not here yet
    if name.startswith(f"{REPOSITORY}:") and name != image.tag:
        raise HostNotReadyError(
            f"The image is called {name}, and its inputs are {digest[:16]}; do not use it."
        )
    earlier = before if name == image.tag else engine.images.identity(image.tag)
    replaced = earlier if earlier not in (None, identity) else None
    if replaced is not None and not is_present:
        raise HostNotReadyError(
            f"Another image with the inputs {digest[:16]} exists here, and which of them is right cannot be "
            "told: they belong to another version of unlearn. To replace it, first: "
            f"docker image rm {image.tag}"
        )
    _tag(engine, name, image.tag)
    image = image_with(engine, digest) or image
    if is_present:
        select_image(engine, image, inputs)
    return ReceivedImage(image=image, is_present=is_present, replaced=replaced)


def _restore(engine: Engine, name: str, before: str | None) -> None:
    """Give a name back to the image that had it; without one, remove what has it now."""
    if before is None:
        engine.images.remove(name)
    elif "@" not in name:
        _tag(engine, before, name)


def _tag(engine: Engine, image: str, name: str) -> None:
    repository, _, tag = name.rpartition(":")
    engine.images.tag(image, repository, tag)
