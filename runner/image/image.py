"""Find the image for the present inputs, and remove the ones that it superseded.

There are three digests, because three things change at different speeds: ``deps`` from the base image,
the Dockerfile and the lock file; ``extras`` from that and the lock file of the small libraries; ``sandbox``
from that and the files of ``sandbox/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runner.checkout import next_step
from runner.engine.api import Engine
from runner.errors import HostNotReadyError
from runner.image.inputs import DEFAULT_INPUTS, ImageInputs

REPOSITORY: Final = "unlearn-sandbox"
DEPS_REPOSITORY: Final = "unlearn-deps"
BASE_REPOSITORY: Final = "unlearn-base"
BASE_TAG: Final = "python3.11-bookworm"
DIGEST_LABEL: Final = "org.unlearn.inputs"
STAGE_LABEL: Final = "org.unlearn.stage"
BASE_LABEL: Final = "org.unlearn.base"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image that containers are started from."""

    digest: str
    """SHA-256 of all its inputs, in hex."""
    identity: str
    """The engine's own digest of the built image."""

    @property
    def tag(self) -> str:
        """Return the image's name in the engine."""
        return f"{REPOSITORY}:{self.digest[:16]}"


def find_image(engine: Engine, inputs: ImageInputs = DEFAULT_INPUTS) -> Image | None:
    """Return the image for the present inputs; None if it is not built."""
    base = engine.images.identity(f"{BASE_REPOSITORY}:{BASE_TAG}")
    if base is None:
        return None
    digest = inputs.sandbox_digest(inputs.extras_digest(inputs.deps_digest(base)))
    identity = engine.images.identity(f"{REPOSITORY}:{digest[:16]}")
    return Image(digest=digest, identity=identity) if identity else None


def find_images(engine: Engine, digest_prefix: str) -> list[Image]:
    """Return the images that are built, current or earlier, whose digest starts with ``digest_prefix``."""
    images = []
    for tag in engine.images.tags(REPOSITORY):
        digest = str(engine.images.facts(tag)["labels"].get(DIGEST_LABEL, ""))
        identity = engine.images.identity(tag)
        if digest.startswith(digest_prefix) and identity is not None:
            images.append(Image(digest=digest, identity=identity))
    return images


def require_image(engine: Engine, inputs: ImageInputs = DEFAULT_INPUTS) -> Image:
    """Return the image for the current inputs.

    Raises:
        HostNotReadyError: it is not built.
    """
    image = find_image(engine, inputs)
    if image is None:
        raise HostNotReadyError(
            f"The image is not built, or its inputs have changed; {next_step('unlearn image build')}"
        )
    return image


def require_image_by_digest(engine: Engine, digest_prefix: str) -> Image:
    """Return the image that an evaluation or an unfinished build needs, by the beginning of its digest.

    Raises:
        HostNotReadyError: none is built with such a digest, or several are.
    """
    images = find_images(engine, digest_prefix)
    if len(images) != 1:
        how_many = f"{len(images)} images have" if images else "No image here has"
        raise HostNotReadyError(
            f"{how_many} a digest that starts with {digest_prefix!r}; `unlearn list` shows which image an "
            "evaluation needs, `unlearn challenge show` which one an unfinished build needs, and only the "
            "version of unlearn that built an image can build it again."
        )
    return images[0]


def remove_superseded_images(engine: Engine, inputs: ImageInputs = DEFAULT_INPUTS) -> int:
    """Remove all images but the present ones, and return how many were removed.

    Building does not do this: an evaluation can be resumed, and verified, only with its own image.
    """
    base = engine.images.identity(f"{BASE_REPOSITORY}:{BASE_TAG}") or ""
    deps = inputs.deps_digest(base)
    extras = inputs.extras_digest(deps)
    present = {
        f"{REPOSITORY}:{inputs.sandbox_digest(extras)[:16]}",
        *(f"{DEPS_REPOSITORY}:{digest[:16]}" for digest in (deps, extras)),
    }
    superseded = {tag for name in (REPOSITORY, DEPS_REPOSITORY) for tag in engine.images.tags(name)} - present
    for tag in superseded:
        engine.images.remove(tag)
    return len(superseded)
