"""The image of a challenge: how it is named in ``challenge.toml``, and whether the one here is another."""

from __future__ import annotations

from collections.abc import Mapping

from runner.errors import ConfigurationError
from runner.image.image import Image
from runner.image.reference import Reference


def config_by_platform(image: Image) -> dict[str, str] | None:
    """Return the digest of an image's configuration by its platform; None where the engine reports none."""
    return {image.platform: image.config} if image.platform and image.config else None


def challenge_reference(text: str) -> str:
    """Return a reference by which others get the image, as a challenge may name it.

    Raises:
        ConfigurationError: it has no digest, so it could name another image tomorrow.
    """
    reference = Reference.parse(text)
    if not reference.digest:
        raise ConfigurationError(
            f"{text} names no fixed image; write {reference.name}@sha256:DIGEST, as `unlearn image push` "
            "prints it."
        )
    return str(reference)


def image_difference(
    image: Image, *, inputs: str, configs: Mapping[str, str] | None, reference: str | None
) -> str | None:
    """Return a sentence if the image here is another than the challenge's; None if no difference is known.

    Args:
        image: The one that runs are executed in.
        inputs: Digest of the inputs of the challenge's.
        configs: Digests of its configuration by platform, as far as they are known.
        reference: Where it can be had.
    """
    config = (configs or {}).get(image.platform)
    if image.digest != inputs:
        what = f"the challenge was built in the image {inputs[:16]}, and runs use {image.digest[:16]}"
    elif config and image.config and config != image.config:
        what = (
            f"the image {image.digest[:16]} has the same inputs as the challenge's, but was built separately"
        )
    else:
        return None
    how = f"; for the challenge's: unlearn setup --image {reference}" if reference else ""
    return f"{what}, so results may differ from the organizer's{how}"
