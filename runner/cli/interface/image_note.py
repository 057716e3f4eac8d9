"""Notes of `run` and `check` on images: here is another than the challenge or an evaluation needs."""

from __future__ import annotations

from collections.abc import Sequence

from runner.challenge.challenge import Challenge
from runner.challenge.description import Description
from runner.cli.console import print_note
from runner.execution.settings import Settings
from runner.image.challenge_image import image_difference
from runner.image.image import Image
from runner.store.paths import evaluation_id
from runner.store.store import Store
from runner.submission.load import Submission


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


def note_earlier_images(
    store: Store, submissions: Sequence[Submission], challenge: Challenge, settings: Settings, *, image: str
) -> None:
    """Report unfinished evaluations that this command would continue with the image that they need."""
    hashes = {submission.sha256 for submission in submissions}
    for stored in store.evaluations():
        same = evaluation_id(
            submission=stored.submission_sha256,
            challenge=challenge.sha256,
            image=stored.image,
            n=settings.n,
            where=settings.where,
        )
        if (
            stored.id == same
            and stored.summary is None
            and stored.image != image
            and stored.submission_sha256 in hashes
        ):
            print_note(
                f"{stored.submission}: evaluation {stored.id} is unfinished and needs another image; "
                f"to continue it, add: --image {stored.image[:16]}"
            )
