"""Gives doctor its runner of attacks: the gallery, on a small challenge that is built for it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from runner.doctor.attacks import AttackResult, AttackRunner, Reason
from runner.doctor.facts import Facts, Purpose
from runner.engine.api import Engine
from runner.engine.placement import Placement
from runner.engine.session import container_session
from runner.errors import HostNotReadyError
from runner.gallery.attacks import HOSTILE, load_attacks
from runner.gallery.challenge import small_challenge
from runner.gallery.judge import Outcome, Result
from runner.gallery.run import Gallery, GalleryReport
from runner.image.image import require_image
from runner.progress import Reporter

_NO_IMAGE: Final = "image not built; run: unlearn setup"
_NO_GALLERY: Final = "sample_submissions/hostile is not here; run doctor from a checkout of the project"


def find_runner(
    engine: Engine, facts: Facts, purpose: Purpose, reporter: Reporter, gallery: Path = HOSTILE
) -> AttackRunner | Reason:
    """Return a way to run attacks, or why there is none.

    It runs those that are there of the ones it is asked for.
    """
    if not facts.image:
        return _NO_IMAGE
    if not gallery.is_dir():
        return _NO_GALLERY

    def run(names: Sequence[str]) -> list[AttackResult]:
        if not (there := [name for name in names if (gallery / name).is_dir()]):
            raise HostNotReadyError(_NO_GALLERY)
        attacks = load_attacks(gallery, there)
        made = require_image(engine)
        with (
            tempfile.TemporaryDirectory(prefix="unlearn-doctor-") as folder,
            container_session(engine) as labels,
        ):
            challenge = small_challenge(
                engine=engine, image=made, labels=labels, reporter=reporter, folder=Path(folder) / "challenge"
            )
            report = Gallery(
                image=made,
                challenge=challenge,
                labels=labels,
                placement=Placement(runtime=purpose.runtime or ""),
                isolation="process",
                folder=Path(folder) / "made",
                reporter=reporter,
            ).run(attacks)
        return as_results(report)

    return run


def as_results(report: GalleryReport) -> list[AttackResult]:
    """Return what became of each attack, and last what all of them have left on the host."""
    left = AttackResult(
        name="left-on-host",
        title="what all of them leave on the host",
        held=not report.left,
        said="; ".join(report.left) or "nothing",
        may_be_others=True,
    )
    return [*map(_as_result, report.results), left]


def _as_result(result: Result) -> AttackResult:
    verdicts = [end.verdict for end in result.of("attack") if end.verdict is not None]
    ended = ", ".join(dict.fromkeys(verdicts)) or ("refused" if not result.ends else "no verdict")
    wrong = "; ".join((*result.broken, *result.problems))
    is_open = result.outcome is Outcome.OPEN
    return AttackResult(
        name=result.attack.name,
        title=result.attack.description.title,
        held=result.outcome in (Outcome.CONTAINED, Outcome.CLOSED),
        said=f"{ended}: {wrong}" if wrong else ended,
        known_hole=(result.expectation.open or "") if is_open else "",
    )
