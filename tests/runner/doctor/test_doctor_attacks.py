"""Doctor's findings for attacks that were contained, that were not, and that could not be run."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from runner.builder.plan import default_limits
from runner.doctor.attacks import attack_findings
from runner.doctor.facts import Facts, Purpose
from runner.doctor.findings import Status, broken_findings, lost_guarantees
from runner.doctor.gallery import run_quick_attacks
from runner.engine.api import Engine
from runner.errors import SandboxStartError
from runner.gallery.attacks import Attack, AttackSpec
from runner.gallery.judge import Result
from runner.gallery.run import GalleryReport
from runner.progress import NullReporter

ENGINE = cast("Engine", object())
"""Never asked: the image or the gallery is missing before any container is started."""


def make_result(
    open_reason: str | None = None, *, problems: tuple[str, ...] = (), broken: tuple[str, ...] = ()
) -> Result:
    """Return the result of an attack that the host refused, the shortest kind of result."""
    attack = Attack(
        name="zip_bomb",
        folder=Path("zip_bomb"),
        description=AttackSpec(threat=18, title="a zip bomb", kind="host", refusal="zip", open=open_reason),
    )
    return Result(
        attack=attack,
        runtime="runc",
        isolation="process",
        expectation=attack.expectation("runc", "process"),
        runs=(),
        problems=problems,
        broken=broken,
    )


def report_of(*results: Result, leftovers: tuple[str, ...] = ()) -> GalleryReport:
    return GalleryReport(results=results, leftovers=leftovers)


def test_a_contained_attack_is_ok() -> None:
    """It has a finding of its own, and so have the leftovers of all attacks."""
    first, last = attack_findings(lambda: report_of(make_result()))
    assert (first.id, first.status, first.lost_guarantee) == ("attack/zip_bomb", Status.OK, "")
    assert (last.id, last.status, last.observation) == ("attack/left-on-host", Status.OK, "none")


def test_an_escaped_attack_makes_the_host_unfit() -> None:
    """It is broken, and names the lost guarantee."""
    findings = attack_findings(lambda: report_of(make_result(problems=("it ran",))))
    assert broken_findings(findings) == findings[:1]
    assert lost_guarantees(findings) == ["that this attack is contained: a zip bomb"]


@pytest.mark.parametrize(
    ("out_of_time", "is_busy", "status"),
    [
        (True, True, Status.WARNING),
        (True, False, Status.BROKEN),
        (False, True, Status.BROKEN),
    ],
)
def test_a_late_run_on_a_busy_host_decides_nothing(out_of_time: bool, is_busy: bool, status: Status) -> None:
    """Anything else than lateness does, and so does lateness on a quiet host; either names the next command."""
    result = replace(make_result(problems=("the next run ended time-limit",)), out_of_time=out_of_time)
    finding, _leftovers = attack_findings(lambda: report_of(result), is_busy=lambda: is_busy)
    assert finding.status is status
    assert finding.advice.endswith("unlearn gallery zip_bomb")


def test_a_known_hole_is_a_warning() -> None:
    """It is equal on every host, so it does not speak against this one; the guarantee is missing, too."""
    result = make_result("runc shows a path", problems=("it ran",))
    finding, _leftovers = attack_findings(lambda: report_of(result))
    assert finding.status is Status.WARNING
    assert "runc shows a path" in finding.advice
    assert finding.lost_guarantee


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (make_result(), Status.OK),
        (make_result(problems=("it ran",)), Status.BROKEN),
        (make_result("not yet refused", problems=("it ran",)), Status.WARNING),
        (make_result("not yet refused"), Status.OK),
        (make_result("not yet refused", broken=("its control failed",)), Status.BROKEN),
    ],
)
def test_each_outcome_of_the_gallery_has_its_status(result: Result, status: Status) -> None:
    """Contained is ok, escaped is broken, and only a known hole excuses an attack that was not contained."""
    findings = attack_findings(lambda: report_of(result))
    assert [finding.status for finding in findings] == [status, Status.OK]
    assert all(problem in findings[0].observation for problem in result.problems)


def test_leftovers_on_a_busy_host_are_only_a_warning() -> None:
    """Memory and processes of other work look the same."""
    (finding,) = attack_findings(lambda: report_of(leftovers=("1 file",)))
    assert (finding.status, finding.observation) == (Status.WARNING, "1 file")
    assert not finding.lost_guarantee


@pytest.mark.parametrize(
    ("image", "advice"),
    [
        ("", "image not built; run: unlearn setup"),
        ("unlearn:1", "sample_submissions/hostile does not exist here"),
    ],
)
def test_without_image_or_gallery_no_attack_is_run(image: str, advice: str, tmp_path: Path) -> None:
    """Both are reported as broken, with the next step."""
    purpose = Purpose(limits=default_limits("digits"))
    (finding,) = attack_findings(
        partial(run_quick_attacks, Facts(image=image), purpose, NullReporter(), gallery=tmp_path)
    )
    assert finding.status is Status.BROKEN
    assert finding.advice.startswith(advice)


def test_a_sandbox_that_does_not_start_is_a_finding() -> None:
    """A runtime that is registered and does not work is a broken finding, not an exception."""

    def fail() -> GalleryReport:
        raise SandboxStartError("A container could not be started: no /dev/kvm.")

    (finding,) = attack_findings(fail)
    assert finding.status is Status.BROKEN
    assert "no /dev/kvm" in finding.advice
