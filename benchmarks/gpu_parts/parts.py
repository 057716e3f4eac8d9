"""The parts of the measurement: what each asks, its share of the time, and what it calls.

Each part imports what it needs in its own process, so that a package which is missing costs no other part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.gpu_parts.filters import FOLDER, read_filters
from benchmarks.gpu_parts.part_process import PartSkippedError, Values
from benchmarks.gpu_parts.worker.bare_machine import Loan

PARTS: Final = {
    "a": "facts of the host and the device",
    "b": "the rules of a run, one by one: which of them breaks the device",
    "c": "time and memory of a context in a forked child, and memory after SIGKILL",
    "d": "sealed runs through the real worker against the contest's plain loop",
    "e": "training of references in each way: networks an hour",
    "f": "checkpoints a second of the evaluator",
    "g": "whether memory of one run shows in the next",
    "h": "whether references trained in each way are told from the plain loop's",
}
WEIGHTS: Final = {"a": 10, "b": 80, "c": 60, "d": 160, "f": 40, "g": 30, "e": 120, "h": 30}
"""Shares of the time, about in seconds, in the order in which the parts are run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Under which a part is measured."""

    device: str
    """torch's name of it."""
    small: bool
    """Whether sizes are reduced until nothing is measured but that the parts work."""
    seconds: float
    """How long the part may take."""
    found: Mapping[str, Any]
    """What `find_device` has found."""
    loan: Loan | None = None
    """Notes what this machine lends, for whoever ends the part."""
    on_way: Callable[[Values], None]
    """Takes the values so far, of which a part that is ended leaves the last."""


def measure(part: str, conditions: Conditions) -> Values:
    """Return the values of a part.

    Raises:
        PartSkippedError: a package that it needs is not installed.
    """
    try:
        return _CALLS[part](conditions)
    except ModuleNotFoundError as error:
        raise PartSkippedError(f"{error.name} is not installed") from error


def _host(given: Conditions) -> Values:
    from benchmarks.gpu_parts.host_facts import host_facts  # noqa: PLC0415

    return {**host_facts(given.device, given.seconds), "found": dict(given.found)}


def _rules(given: Conditions) -> Values:
    from sandbox.gpu_check.rules import try_rules  # noqa: PLC0415

    return try_rules(given.device, read_filters(), given.seconds)


def _contexts(given: Conditions) -> Values:
    from benchmarks.gpu_parts.contexts import measure_contexts  # noqa: PLC0415
    from benchmarks.gpu_parts.devices import memory_meter  # noqa: PLC0415

    return measure_contexts(
        given.device,
        read_filters(),
        memory_meter(given.device, given.found.get("uuid")),
        times=3 if given.small else 50,
        seconds=given.seconds,
        on_way=given.on_way,
    )


def _sealed(given: Conditions) -> Values:
    from benchmarks.gpu_parts.problem import CONTEST, SMALL  # noqa: PLC0415
    from benchmarks.gpu_parts.sealed_loop import compare_with_plain_loop  # noqa: PLC0415

    return compare_with_plain_loop(
        SMALL if given.small else CONTEST,
        given.device,
        FOLDER / "all.bpf",
        runs=2 if given.small else 64,
        seconds=given.seconds,
        on_way=given.on_way,
        loan=given.loan,
    )


def _training(given: Conditions) -> Values:
    from benchmarks.gpu_parts.problem import CONTEST, SMALL  # noqa: PLC0415
    from benchmarks.gpu_parts.reference_training import measure_training  # noqa: PLC0415

    return measure_training(
        SMALL if given.small else CONTEST,
        given.device,
        (2,) if given.small else (8, 16),
        examples=32 if given.small else 3_200,
        seconds=given.seconds,
        on_way=given.on_way,
    )


def _evaluator(given: Conditions) -> Values:
    from benchmarks.gpu_parts.evaluations import measure_evaluator  # noqa: PLC0415
    from benchmarks.gpu_parts.problem import CONTEST, SMALL  # noqa: PLC0415

    return measure_evaluator(
        SMALL if given.small else CONTEST,
        given.device,
        checkpoints=2 if given.small else 200,
        side_by_side=2 if given.small else 4,
        seconds=given.seconds,
        on_way=given.on_way,
    )


def _leftovers(given: Conditions) -> Values:
    from benchmarks.gpu_parts.leftover_memory import search_leftovers  # noqa: PLC0415

    return search_leftovers(given.device, seconds=given.seconds, on_way=given.on_way)


def _populations(given: Conditions) -> Values:
    from benchmarks.gpu_parts import populations  # noqa: PLC0415

    size = populations.SMALL if given.small else populations.FULL
    return populations.compare_populations(given.device, size, seconds=given.seconds, on_way=given.on_way)


_CALLS: Final[Mapping[str, Callable[[Conditions], Values]]] = {
    "a": _host,
    "b": _rules,
    "c": _contexts,
    "d": _sealed,
    "e": _training,
    "f": _evaluator,
    "g": _leftovers,
    "h": _populations,
}
