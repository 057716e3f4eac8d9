"""Turn the results of a few gallery attacks on this host into findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from runner.doctor.findings import Finding, Status
from runner.doctor.kernel_memory import Measurement
from runner.errors import RunnerError, SandboxLostError
from runner.gallery.judge import Outcome, Result
from runner.gallery.run import GalleryReport
from runner.wording import quantity

QUICK: Final = (
    "ignores_signals",
    "memory_bomb",
    "fork_bomb",
    "daemon",
    "state_in_files",
    "state_in_system_v",
    "network_by_address",
    "read_environments",
    "read_other_memory",
    "write_proc_and_sys",
    "forged_frames",
    "pickle_as_checkpoint",
)
"""The attacks that doctor runs: quick, and dependent on the host more than on this project's code."""
_MEMORY_WITHIN_LIMIT: Final = "that all memory which a run uses is within its limit"


def attack_findings(
    run_attacks: Callable[[], GalleryReport], *, is_busy: Callable[[], bool] = lambda: False
) -> list[Finding]:
    """Run attacks and return a finding for each, and one for leftovers on the host.

    Where others keep the host busy, a next run that did not end in time decides nothing: a warning.

    If they cannot be run, return a single broken finding with the reason: a runtime that is registered and
    does not work is a result of doctor, not an error.
    """
    try:
        report = run_attacks()
    except RunnerError as error:
        return [
            Finding(
                id="attacks",
                title="Attack gallery",
                status=Status.BROKEN,
                observation="not run",
                advice=str(error),
            )
        ]
    busy = is_busy()
    findings = [_attack_finding(result, is_busy=busy) for result in report.results]
    return [*findings, _leftovers_finding(report)]


def kernel_memory_findings(measure: Callable[[], Sequence[Measurement] | None]) -> list[Finding]:
    """Measure uncounted memory of the kernel and return a finding; none if this host does not show it.

    A container that ended early, or was too slow, is a warning: nothing is known then.
    """
    try:
        measurements = measure()
    except SandboxLostError as error:
        advice = f"{error} Repeat it while the host is quiet."
        return [_kernel_memory(Status.WARNING, "not measured", advice, _MEMORY_WITHIN_LIMIT)]
    except RunnerError as error:
        return [_kernel_memory(Status.BROKEN, "not measured", str(error))]
    if measurements is None:
        return []
    if large := [measurement for measurement in measurements if measurement.exceeds_slack]:
        observation = ", ".join(
            f"{measurement.kind}: {measurement.uncounted_bytes // measurement.objects} bytes each"
            for measurement in large
        )
        advice = (
            "A run can use memory of the host beyond its limit by making many of these. Repeat it while the "
            "host is quiet; if it stays, update the kernel, or use gVisor (--runtime runsc)."
        )
        return [_kernel_memory(Status.WARNING, observation, advice, _MEMORY_WITHIN_LIMIT)]
    return [
        _kernel_memory(Status.OK, f"{quantity(len(measurements), 'kind')} of objects are counted or refused")
    ]


def _kernel_memory(status: Status, observation: str, advice: str = "", lost: str = "") -> Finding:
    return Finding(
        id="kernel-memory",
        title="Kernel memory",
        status=status,
        observation=observation,
        advice=advice,
        lost_guarantee=lost,
    )


def _attack_finding(result: Result, *, is_busy: bool) -> Finding:
    title = result.attack.description.title
    status, advice = Status.OK, ""
    again = f"unlearn gallery {result.attack.name}"
    if result.outcome is Outcome.OPEN:
        status, advice = Status.WARNING, f"Known and open: {result.expectation.open}"
    elif result.outcome is Outcome.ESCAPED and result.out_of_time and is_busy:
        status = Status.WARNING
        advice = (
            f"Undecided: the host is busy, which looks the same. Repeat it when the host is quiet: {again}"
        )
    elif result.outcome is Outcome.ESCAPED:
        status = Status.BROKEN
        advice = (
            f"It was not contained. Do not run untrusted code on this host until you know why. Again: {again}"
        )
    return Finding(
        id=f"attack/{result.attack.name}",
        title=f"Attack: {title}",
        status=status,
        observation=_observation(result),
        advice=advice,
        lost_guarantee="" if status is Status.OK else f"that this attack is contained: {title}",
    )


def _observation(result: Result) -> str:
    verdicts = [run.verdict for run in result.runs_of("attack") if run.verdict is not None]
    ending = ", ".join(dict.fromkeys(verdicts)) or ("no verdict" if result.runs else "refused")
    problems = "; ".join((*result.broken, *result.problems))
    return f"{ending}: {problems}" if problems else ending


def _leftovers_finding(report: GalleryReport) -> Finding:
    """Return the finding about leftovers: a warning only, since other work on a host looks the same."""
    return Finding(
        id="attack/left-on-host",
        title="Attack: leftovers of all attacks on the host",
        status=Status.WARNING if report.leftovers else Status.OK,
        observation="; ".join(report.leftovers) or "none",
        advice="Other work on the host can look like this; repeat it while the host is quiet."
        if report.leftovers
        else "",
    )
