"""Try the rules of a run on a GPU, in a container like a worker's, and say which of them breaks it.

Not yet proven on a GPU. Published reports name several rules that may break `cuInit` on some driver.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.challenge.limits import Limits
from runner.doctor.findings import Finding, Status, make_finding
from runner.engine.api import Engine
from runner.engine.container_spec import ContainerSpec, worker_container
from runner.engine.placement import Placement
from runner.errors import RunnerError, SandboxLostError
from runner.execution.host_session import host_session
from runner.progress import Reporter
from runner.sanitize import sanitize_line
from runner.units import MIB
from runner.wording import quantity

_MODULE: Final = "sandbox.gpu_check"
_SECONDS: Final = 300.0
_MAX_BYTES: Final = 1 << 20
_LIMITS: Final = Limits(memory_bytes=4096 * MIB, processes=256)
_ID: Final = "gpu-rules"
_LOST: Final = "that submissions can use the GPU at all"
_SLOW: Final = "Turn persistence mode on (nvidia-smi -pm 1): each attempt starts the driver"
_HELP_WITHOUT_GPU: Final = (
    "Run `unlearn doctor` without --device: submissions cannot be run on the CPU either"
)
_HELP: Final = "Send what `python benchmarks/gpu.py --part b` writes: it tries which call the driver needs"


class Attempt(BaseModel):
    """What a child of the check answered."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    error: str | None = None
    """What broke; None if the device could be used."""


class RulesReport(BaseModel):
    """What `sandbox.gpu_check` prints."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    without_rules: Annotated[Attempt, Field(alias="without rules")]
    alone: dict[str, Attempt]
    """Each rule by itself."""
    together: dict[str, Attempt]
    """Each rule with all those before it, in the order in which a run applies them."""
    without_device: Annotated[dict[str, Attempt], Field(alias="without a device")] = {}
    """Each rule by itself, with the CPU: the control."""
    not_tried: tuple[str, ...] = ()
    """Attempts that the time did not suffice for."""


def rules_container(*, image: str, labels: dict[str, str], placement: Placement) -> ContainerSpec:
    """Return the specification of the container that tries the rules: a worker's, with another program."""
    spec = worker_container(image=image, limits=_LIMITS, labels=labels, placement=placement)
    return replace(spec, command=(spec.command[0], "-m", _MODULE, placement.torch_device))


def try_rules(engine: Engine, spec: ContainerSpec) -> RulesReport:
    """Return what the container of `rules_container` reports.

    Raises:
        SandboxStartError: it did not start.
        SandboxLostError: it ended early, was silent for too long, or printed something else.
    """
    container = engine.start(spec)
    try:
        text = b""
        while (data := container.receive(_SECONDS)) is not None:
            text += data
            if not data or len(text) > _MAX_BYTES:
                raise SandboxLostError("The check of the GPU did not end, or printed too much.")
        try:
            return RulesReport.model_validate(json.loads(text))
        except (ValueError, ValidationError) as error:
            lines = container.stderr.strip().splitlines()
            last = sanitize_line(lines[-1], 300) if lines else "no message"
            raise SandboxLostError(f"The check of the GPU ended without a result: {last}.") from error
    finally:
        container.remove()


def try_on_host(device: str, reporter: Reporter, *, runtime: str = "") -> RulesReport:
    """Return the report of a device of this host.

    Raises:
        ConfigurationError: the device has another form.
        HostNotReadyError: no engine, image or such device, or another process uses it.
        SandboxError: as `try_rules`.
    """
    with host_session(nullcontext(reporter), runtime=runtime, device=device) as host:
        host.reporter.step("doctor: trying the rules of a run on the GPU")
        spec = rules_container(image=host.image.tag, labels=host.labels, placement=host.placement)
        return try_rules(host.engine, spec)


def rules_finding(attempt: Callable[[], RulesReport]) -> Finding:
    """Return the finding on a report; one that could not be had is a broken finding with the reason."""
    try:
        report = attempt()
    except RunnerError as error:
        return make_finding(_ID, Status.BROKEN, "not tried", str(error), lost=_LOST)
    if report.without_rules.error is not None:
        observation = f"the GPU cannot be used in a container: {_shown(report.without_rules.error)}"
        advice = "Check driver and container toolkit: nvidia-smi, nvidia-ctk --version"
        return make_finding(_ID, Status.BROKEN, observation, advice, lost=_LOST)
    if unfit := list(_unfit(report)):
        return make_finding(_ID, Status.BROKEN, "; ".join(unfit), _HELP_WITHOUT_GPU, lost=_LOST)
    if broken := list(_broken(report)):
        return make_finding(_ID, Status.BROKEN, "; ".join(broken), _HELP, lost=_LOST)
    if report.not_tried:
        observation = f"the time did not suffice for {quantity(len(report.not_tried), 'attempt')}"
        return make_finding(_ID, Status.WARNING, f"{observation}: {_shown(report.not_tried[0])}", _SLOW)
    number = quantity(len(report.together), "rule")
    return make_finding(_ID, Status.OK, f"the GPU works under all {number} of a run, each and together")


def _unfit(report: RulesReport) -> Iterator[str]:
    """Yield a phrase for each rule that cannot even be applied without a device: the GPU is not the cause."""
    for name, attempt in report.without_device.items():
        if attempt.error is not None:
            yield f"the rule {_shown(name)!r} cannot be applied here, GPU or not: {_shown(attempt.error)}"


def _broken(report: RulesReport) -> Iterator[str]:
    """Yield a phrase for each rule that breaks the device alone; else for the first that does with others."""
    alone = {name: attempt.error for name, attempt in report.alone.items() if attempt.error is not None}
    for name, error in alone.items():
        yield f"the rule {_shown(name)!r} breaks it: {_shown(error)}"
    if not alone:
        for name, attempt in report.together.items():
            if attempt.error is not None:
                yield f"{_shown(name)!r} breaks it with the rules before: {_shown(attempt.error)}"
                return


def _shown(text: Any) -> str:  # noqa: ANN401 - of a report
    return sanitize_line(str(text), 200)
