"""Run a quick selection of the gallery for doctor, on a small challenge that is built for it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from runner.doctor.attacks import QUICK
from runner.doctor.facts import Facts, Purpose
from runner.engine.api import Engine
from runner.engine.placement import Placement
from runner.engine.session import container_session
from runner.errors import HostNotReadyError
from runner.gallery.attacks import HOSTILE, load_attacks
from runner.gallery.challenge import small_challenge
from runner.gallery.run import Gallery, GalleryReport
from runner.image.image import require_image
from runner.progress import Reporter

_NO_IMAGE: Final = "image not built; run: unlearn setup"
_NO_GALLERY: Final = (
    "sample_submissions/hostile does not exist here; run doctor from a checkout of the project"
)


def run_quick_attacks(
    engine: Engine,
    facts: Facts,
    purpose: Purpose,
    reporter: Reporter,
    *,
    gallery: Path = HOSTILE,
    names: Sequence[str] = QUICK,
) -> GalleryReport:
    """Run the named attacks that exist in the gallery.

    Raises:
        HostNotReadyError: the image or the gallery is missing.
        SandboxStartError: a container did not start.
    """
    if not facts.image:
        raise HostNotReadyError(_NO_IMAGE)
    existing = [name for name in names if (gallery / name).is_dir()]
    if not existing:
        raise HostNotReadyError(_NO_GALLERY)
    attacks = load_attacks(gallery, existing)
    image = require_image(engine)
    with (
        tempfile.TemporaryDirectory(prefix="unlearn-doctor-") as folder,
        container_session(engine) as labels,
    ):
        challenge = small_challenge(
            engine=engine, image=image, labels=labels, reporter=reporter, folder=Path(folder) / "challenge"
        )
        return Gallery(
            image=image,
            challenge=challenge,
            labels=labels,
            placement=Placement(runtime=purpose.runtime or ""),
            isolation="process",
            folder=Path(folder) / "hostile-files",
            reporter=reporter,
        ).run(attacks)
