"""A challenge names its image, and another one here is a sentence."""

from __future__ import annotations

import pytest

from runner.errors import ConfigurationError
from runner.image.challenge_image import challenge_reference, config_by_platform, image_difference
from runner.image.image import Image

INPUTS, OTHER = "a" * 64, "b" * 64
CONFIG, OTHER_CONFIG = f"sha256:{'c' * 64}", f"sha256:{'d' * 64}"
REFERENCE = f"registry.example/unlearn@sha256:{'e' * 64}"
AMD64 = "linux/amd64"


def image(*, digest: str = INPUTS, config: str = CONFIG, platform: str = AMD64) -> Image:
    return Image(digest=digest, identity="sha256:engine", platform=platform, config=config)


@pytest.mark.parametrize(
    ("here", "configs"),
    [
        (image(), {AMD64: CONFIG}),
        (image(), None),  # a challenge of an earlier version
        (image(config=""), {AMD64: CONFIG}),  # an engine that does not report it
        (
            image(platform="linux/arm64"),
            {AMD64: CONFIG},
        ),  # the organizer's image for this platform is not known
    ],
)
def test_no_difference_that_is_known_is_no_sentence(here: Image, configs: dict[str, str] | None) -> None:
    """What cannot be compared is not claimed."""
    assert image_difference(here, inputs=INPUTS, configs=configs, reference=REFERENCE) is None


def test_other_inputs_are_a_sentence_with_the_way_to_the_right_image() -> None:
    """One sentence; without a reference it names no command."""
    sentence = image_difference(image(digest=OTHER), inputs=INPUTS, configs=None, reference=REFERENCE)
    assert sentence == (
        f"the challenge was built in the image {INPUTS[:16]}, and runs use {OTHER[:16]}, so results may differ "
        f"from the organizer's; for the challenge's: unlearn setup --image {REFERENCE}"
    )
    alone = image_difference(image(digest=OTHER), inputs=INPUTS, configs={AMD64: CONFIG}, reference=None)
    assert alone is not None
    assert "setup" not in alone


def test_a_second_build_from_the_same_inputs_is_a_sentence() -> None:
    """The digest of the configuration covers all content, so a false image cannot hide behind its labels."""
    sentence = image_difference(
        image(config=OTHER_CONFIG), inputs=INPUTS, configs={AMD64: CONFIG}, reference=None
    )
    assert sentence is not None
    assert "was built separately" in sentence


def test_what_is_recorded_of_an_image() -> None:
    """Its configuration by platform, where both are known."""
    assert config_by_platform(image()) == {AMD64: CONFIG}
    assert config_by_platform(image(config="")) is None
    assert config_by_platform(image(platform="")) is None


def test_a_reference_in_a_challenge_is_fixed() -> None:
    """A tag can be moved, so it is refused; beside a digest it is left out."""
    assert challenge_reference(REFERENCE.replace("@", ":1.0@")) == REFERENCE
    with pytest.raises(ConfigurationError, match="@sha256:DIGEST"):
        challenge_reference("registry.example/unlearn:1.0")
