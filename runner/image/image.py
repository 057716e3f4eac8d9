"""Find the image for the present inputs, and remove the ones that it superseded.

There are two digests, because two things change at different speeds: ``deps`` from the base image,
the Dockerfile and the lock file; ``sandbox`` from that and the files of ``sandbox/``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from runner.engine.client import Engine
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
    base = engine.image_identity(f"{BASE_REPOSITORY}:{BASE_TAG}")
    if base is None:
        return None
    digest = inputs.sandbox_digest(inputs.deps_digest(base))
    identity = engine.image_identity(f"{REPOSITORY}:{digest[:16]}")
    return Image(digest=digest, identity=identity) if identity else None


def require_image(engine: Engine, inputs: ImageInputs = DEFAULT_INPUTS) -> Image:
    """Return the image for the present inputs.

    Raises:
        HostNotReadyError: it is not built.
    """
    image = find_image(engine, inputs)
    if image is None:
        raise HostNotReadyError(
            "The image is not built, or its inputs have changed; run: unlearn image build"
        )
    return image


def remove_superseded_images(engine: Engine, inputs: ImageInputs = DEFAULT_INPUTS) -> int:
    """Remove all images but the present ones, and return how many were removed.

    Building does not do this: an evaluation can be resumed, and verified, only with its own image.
    """
    base = engine.image_identity(f"{BASE_REPOSITORY}:{BASE_TAG}") or ""
    deps = inputs.deps_digest(base)
    present = {f"{REPOSITORY}:{inputs.sandbox_digest(deps)[:16]}", f"{DEPS_REPOSITORY}:{deps[:16]}"}
    superseded = {tag for name in (REPOSITORY, DEPS_REPOSITORY) for tag in engine.images(name)} - present
    for tag in superseded:
        engine.remove_image(tag)
    return len(superseded)
