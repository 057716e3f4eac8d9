"""The rules of a run on a GPU: which finding follows from what the container reports."""

from __future__ import annotations

from typing import Any

import pytest

from runner.doctor.findings import Status
from runner.doctor.gpu_rules import RulesReport, rules_container, rules_finding
from runner.engine.placement import GpuRequest, Placement
from runner.errors import HostNotReadyError

FINE: dict[str, Any] = {"cu_init": 0, "seconds": 1.0}
REFUSED = {"error": "cuInit answered 304, CUDA_ERROR_OPERATING_SYSTEM", "seconds": 1.0}


def report(*, without: dict[str, Any] = FINE, alone: str = "", together: str = "") -> RulesReport:
    names = ("limits", "uid", "filter: all")
    return RulesReport.model_validate(
        {
            "without rules": without,
            "alone": {name: REFUSED if name == alone else FINE for name in names},
            "together": {name: REFUSED if name == together else FINE for name in names},
            "names_thread": FINE,
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
