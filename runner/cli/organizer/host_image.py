"""Whether this host has the image that the phases of a competition are evaluated with."""

from __future__ import annotations

from collections.abc import Iterator

from runner.competition.competition import Competition
from runner.errors import HostNotReadyError
from runner.image.image import Image, find_image


def host_image() -> Image | None:
    """Return the image of this host; None if it has none.

    Raises:
        HostNotReadyError: no container engine answers.
    """
    from runner.engine.connect import connect_engine  # noqa: PLC0415 - slow, and needed by this check alone

    return find_image(connect_engine())


def image_remarks(competition: Competition) -> Iterator[str]:
    """Yield what keeps this host from evaluating entries, a sentence each; another host may evaluate them."""
    try:
        image = host_image()
    except HostNotReadyError as error:
        yield f"this host cannot evaluate entries yet: {error}"
        return
    yield from remarks_on_image(competition, image)


def remarks_on_image(competition: Competition, image: Image | None) -> Iterator[str]:
    """Yield the same of an image that is known.

    Args:
        competition: Whose phases may state an image.
        image: Of this host; None if it has none.
    """
    if image is None:
        yield "this host has no image, so it cannot evaluate entries yet: unlearn setup"
        return
    for phase in competition.phases:
        if phase.image_config is not None and phase.image_config != image.config:
            yield (
                f"phase {phase.name} is evaluated with the image {phase.image_config}, and this host has "
                f"{image.config or 'one whose digest is not known'}"
            )
