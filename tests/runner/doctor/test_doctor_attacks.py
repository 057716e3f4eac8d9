"""What doctor says of attacks that held, that did not, and that could not be run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from runner.doctor.attacks import AttackResult, attack_findings
from runner.doctor.findings import Status, broken_findings, lost_guarantees
from runner.doctor.gallery import as_results
from runner.errors import SandboxStartError
from runner.gallery.attacks import Attack, AttackSpec
from runner.gallery.judge import Result
from runner.gallery.run import GalleryReport


class FakeGallery:
    """Runs nothing; keeps the names that were asked for and answers with what it was given."""

    def __init__(self, *results: AttackResult) -> None:
        self.results, self.asked = results, list[str]()

    def __call__(self, names: Sequence[str]) -> Sequence[AttackResult]:
        self.asked += names
        return self.results


def made(outcome_open: str | None = None, **problems: tuple[str, ...]) -> Result:
    """Return what became of an attack that was refused on the host, for the shortest way to a result."""
    attack = Attack(
        name="zip_bomb",
        folder=Path("zip_bomb"),
        description=AttackSpec(threat=18, title="a zip bomb", kind="host", refusal="zip", open=outcome_open),
    )
    return Result(
        attack=attack,
        runtime="runc",
        isolation="process",
        expectation=attack.expectation("runc", "process"),
        ends=(),
        problems=problems.get("problems", ()),
        broken=problems.get("broken", ()),
    )


def result(*, held: bool, known_hole: str = "") -> AttackResult:
    return AttackResult(name="fork_bomb", title="a fork bomb", held=held, said="ok", known_hole=known_hole)


def test_an_attack_that_held_is_ok() -> None:
    """And the runner is asked for exactly the names that were given."""
    gallery = FakeGallery(result(held=True))
    (found,) = attack_findings(gallery, ("fork_bomb",))
    assert gallery.asked == ["fork_bomb"]
    assert (found.id, found.status, found.lost) == ("attack/fork_bomb", Status.OK, "")


def test_an_attack_that_succeeded_makes_the_host_unfit() -> None:
    """It is broken, and names the guarantee that is gone."""
    found = attack_findings(FakeGallery(result(held=False)), ("fork_bomb",))
    assert broken_findings(found) == found
    assert lost_guarantees(found) == ["that this attack is contained: a fork bomb"]


def test_a_hole_that_is_known_is_a_warning() -> None:
    """It is the same on every host, so it says nothing against this one; the guarantee is missing all the same."""
    found = attack_findings(FakeGallery(result(held=False, known_hole="runc shows a path")), ("fork_bomb",))
    assert [one.status for one in found] == [Status.WARNING]
    assert "runc shows a path" in found[0].advice
    assert lost_guarantees(found)


def test_without_an_image_no_attack_is_run() -> None:
    """That is said as broken, with what to type."""
    (found,) = attack_findings("image not built; run: unlearn setup")
    assert (found.status, found.advice) == (Status.BROKEN, "image not built; run: unlearn setup")


def test_a_sandbox_that_does_not_start_is_a_finding() -> None:
    """A runtime that is registered and does not work is what doctor is asked about: no exception, broken."""

    def fails(_names: Sequence[str]) -> Sequence[AttackResult]:
        raise SandboxStartError("A container could not be started: no /dev/kvm.")

    (found,) = attack_findings(fails)
    assert found.status is Status.BROKEN
    assert "no /dev/kvm" in found.advice


@pytest.mark.parametrize(
    ("of_gallery", "status"),
    [
        (made(), Status.OK),
        (made(problems=("it ran",)), Status.BROKEN),
        (made("not yet refused", problems=("it ran",)), Status.WARNING),
        (made("not yet refused"), Status.OK),
        (made("not yet refused", broken=("its control failed",)), Status.BROKEN),
    ],
)
def test_what_the_gallery_says_is_what_doctor_says(of_gallery: Result, status: Status) -> None:
    """Contained is ok, escaped is broken, and only a hole that is known excuses one that was not contained."""
    found = attack_findings(lambda _names: as_results(GalleryReport(results=(of_gallery,), left=())))
    assert [one.status for one in found] == [status, Status.OK]
    assert all(problem in found[0].found for problem in of_gallery.problems)


def test_what_is_left_on_a_busy_host_is_only_a_warning() -> None:
    """Memory and processes of others look the same."""
    found = attack_findings(lambda _names: as_results(GalleryReport(results=(), left=("1 file",))))
    assert [(one.status, one.found) for one in found] == [(Status.WARNING, "1 file")]
