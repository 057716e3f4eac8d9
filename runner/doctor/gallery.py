"""Run a quick selection of the gallery for doctor, on a small challenge that is built for it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from runner.checkout import next_step
from runner.doctor.attacks import QUICK
from runner.doctor.facts import Facts, Purpose
from runner.errors import HostNotReadyError
from runner.execution.host_session import host_session
from runner.gallery.attacks import HOSTILE, load_attacks
from runner.gallery.challenge import small_challenge
from runner.gallery.run import Gallery, GalleryReport
from runner.progress import Reporter

_NO_IMAGE: Final = f"image not built; {next_step('unlearn setup')}"
_NO_GALLERY: Final = (
    "sample_submissions/hostile does not exist here; run doctor from a checkout of the project"
)


def run_quick_attacks(
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
    with (
        tempfile.TemporaryDirectory(prefix="unlearn-doctor-") as folder,
        host_session(nullcontext(reporter), runtime=purpose.runtime or "") as host,
    ):
        challenge = small_challenge(
            engine=host.engine,
            image=host.image,
            labels=host.labels,
            reporter=host.reporter,
            folder=Path(folder) / "challenge",
        )
        return Gallery(
            image=host.image,
            challenge=challenge,
            labels=host.labels,
            placement=host.placement,
            isolation="process",
            folder=Path(folder) / "hostile-files",
            reporter=host.reporter,
        ).run(attacks)
