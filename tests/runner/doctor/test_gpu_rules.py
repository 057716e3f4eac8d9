"""The rules of a run on a GPU: which finding follows from what the container reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from runner.doctor.findings import Status
from runner.doctor.gpu_rules import RulesReport, rules_container, rules_finding
from runner.engine.placement import GpuRequest, Placement
from runner.errors import HostNotReadyError

FINE: dict[str, Any] = {"cu_init": 0, "seconds": 1.0}
REFUSED = {"error": "cuInit answered 304, CUDA_ERROR_OPERATING_SYSTEM", "seconds": 1.0}


def control(names: Iterable[str], unfit: str) -> dict[str, Any]:
    """Return each rule's attempt with the CPU, of which one cannot be applied."""
    return {name: {"error": "prctl 38 was refused"} if name == unfit else FINE for name in names}


def report(
    *, without: dict[str, Any] = FINE, alone: str = "", together: str = "", without_device: str | None = None
) -> RulesReport:
    names = ("limits", "uid", "filter: all")
    return RulesReport.model_validate(
        {
            "without rules": without,
            "alone": {name: REFUSED if name == alone else FINE for name in names},
            "together": {name: REFUSED if name == together else FINE for name in names},
            "names_thread": FINE,
            **({} if without_device is None else {"without a device": control(names, without_device)}),
        }
    )


def test_a_gpu_that_works_under_all_rules_is_fine() -> None:
    """Each alone, and together."""
    finding = rules_finding(report)
    assert (finding.status, finding.advice) == (Status.OK, "")
    assert "all 3 rules" in finding.observation


@pytest.mark.parametrize(
    ("changes", "observation"),
    [
        ({"without": REFUSED}, "cannot be used in a container: cuInit answered 304"),
        ({"alone": "filter: all"}, "the rule 'filter: all' breaks it: cuInit answered 304"),
        ({"together": "uid"}, "'uid' breaks it with the rules before"),
        ({"without": {"error": "a\x1b[2Jb"}}, "cannot be used in a container: a"),
    ],
)
def test_what_breaks_it_is_named(changes: dict[str, Any], observation: str) -> None:
    """The container itself, a rule alone, or one only with others; without control characters."""
    finding = rules_finding(lambda: report(**changes))
    assert finding.status is Status.BROKEN
    assert observation in finding.observation
    assert finding.advice
    assert finding.lost_guarantee
    assert "\x1b" not in finding.observation


def test_a_rule_that_fails_without_a_device_is_not_held_against_the_gpu() -> None:
    """The control: the rule cannot be applied on this host, so what it does to a GPU is not known."""
    finding = rules_finding(lambda: report(alone="uid", together="uid", without_device="uid"))
    assert finding.status is Status.BROKEN
    assert finding.observation == "the rule 'uid' cannot be applied here, GPU or not: prctl 38 was refused"
    assert "on the CPU" in finding.advice


def test_a_rule_that_fails_on_the_device_alone_is_held_against_it() -> None:
    """Beside a control in which all rules can be applied; images without the control are believed."""
    with_control = rules_finding(lambda: report(alone="uid", without_device=""))
    assert with_control == rules_finding(lambda: report(alone="uid"))
    assert "the rule 'uid' breaks it" in with_control.observation
    assert rules_finding(lambda: report(without_device="")).status is Status.OK


def test_a_check_that_ran_out_of_time_proves_nothing() -> None:
    """A slow device is no device that works under all rules."""
    found = report().model_copy(update={"not_tried": ("alone: uid", "alone: limits")})
    finding = rules_finding(lambda: found)
    assert finding.status is Status.WARNING
    assert "2 attempts: alone: uid" in finding.observation
    assert "persistence" in finding.advice


def test_a_host_without_the_device_is_a_finding() -> None:
    """And no error of doctor."""

    def attempt() -> RulesReport:
        raise HostNotReadyError("This host has no GPU 0.")

    finding = rules_finding(attempt)
    assert (finding.status, finding.observation) == (Status.BROKEN, "not tried")
    assert finding.advice == "This host has no GPU 0."


def test_the_container_is_a_workers_on_that_device() -> None:
    """With the same capabilities and masks, and another program."""
    placement = Placement(gpu=GpuRequest(name="GPU-1", by_cdi=True))
    spec = rules_container(image="image", labels={}, placement=placement)
    assert spec.command[1:] == ("-m", "sandbox.gpu_check", "cuda")
    assert (spec.role, spec.placement) == ("worker", placement)
    assert spec.capabilities == ("SETUID", "SETGID", "KILL")
