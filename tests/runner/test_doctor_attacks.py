"""What doctor says of attacks that held, that did not, and that could not be run."""

from __future__ import annotations

from collections.abc import Sequence

from runner.doctor_attacks import AttackResult, attack_findings
from runner.findings import Status, broken, guarantees_lost


class FakeGallery:
    """Runs nothing; keeps the names that were asked for and answers with what it was given."""

    def __init__(self, *results: AttackResult) -> None:
        self.results, self.asked = results, list[str]()

    def __call__(self, names: Sequence[str]) -> Sequence[AttackResult]:
        self.asked += names
        return self.results


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
    assert broken(found) == found
    assert guarantees_lost(found) == ["that this attack is contained: a fork bomb"]


def test_a_hole_that_is_known_is_a_warning() -> None:
    """It is the same on every host, so it says nothing against this one; the guarantee is missing all the same."""
    found = attack_findings(FakeGallery(result(held=False, known_hole="runc shows a path")), ("fork_bomb",))
    assert [one.status for one in found] == [Status.WARNING]
    assert "runc shows a path" in found[0].advice
    assert guarantees_lost(found)


def test_without_an_image_no_attack_is_run() -> None:
    """That is said as broken, with what to type."""
    (found,) = attack_findings("image not built; run: unlearn setup")
    assert (found.status, found.advice) == (Status.BROKEN, "image not built; run: unlearn setup")
