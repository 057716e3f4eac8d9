"""The note of `run` and `check` where the image here is another than the challenge's."""

from __future__ import annotations

from runner.challenge.description import Description
from runner.cli.console import print_note
from runner.image.challenge_image import image_difference
from runner.image.image import Image


def print_image_note(image: Image, description: Description) -> None:
    """Print a sentence if runs are executed in another image than the one that a challenge names."""
    difference = image_difference(
        image,
        inputs=description.image,
        configs=description.image_config,
        reference=description.image_reference,
    )
    if difference is not None:
        print_note(difference)
