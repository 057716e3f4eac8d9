"""Measure what this project does on a GPU, without a container engine, in at most nine minutes.

    python benchmarks/gpu.py                         all parts on the first GPU
    python benchmarks/gpu.py --part b                one part
    python benchmarks/gpu.py --device cpu --small    whether the parts themselves work

Needs Linux, PyTorch, safetensors and numpy, for part (h) also SciPy and scikit-learn; to be root where runs
change their uid; and for part (d) namespaces of its own (`unshare`). Writes one JSON file after every part,
which says what was skipped and why.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

# Children cannot use the device after this process has: so this process asks the management library instead.
os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"

import torch

from benchmarks.gpu_parts import populations
from benchmarks.gpu_parts.contexts import measure_contexts
from benchmarks.gpu_parts.devices import memory_meter
from benchmarks.gpu_parts.evaluations import measure_evaluator
from benchmarks.gpu_parts.filters import FOLDER, read_filters
from benchmarks.gpu_parts.host_facts import host_facts
from benchmarks.gpu_parts.leftover_memory import search_leftovers
from benchmarks.gpu_parts.populations import compare_populations
from benchmarks.gpu_parts.problem import CONTEST, SMALL
from benchmarks.gpu_parts.reference_training import measure_training
from benchmarks.gpu_parts.report import Report
from benchmarks.gpu_parts.sealed_loop import compare_with_plain_loop
from benchmarks.gpu_parts.time_budget import TimeBudget
from benchmarks.gpu_parts.time_limit import complete, run_within
from sandbox.gpu_check.rules import try_rules

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
"""Shares of the time, about in seconds of 530, in the order in which the parts are run. (e) and (h) come
last: they use the device in this process, after which no child can."""
_SECONDS: Final = 530.0
_GRACE_SECONDS: Final = 5.0
_NOT_READY: Final = 3


def measure(part: str, report: Report, seconds: float) -> dict[str, Any]:
    """Return the values of one part, which may take ``seconds``; a long one writes what it has in between."""
    device, small = report.device, report.small

    def write_so_far(values: dict[str, Any]) -> None:
        report.parts[part] = values
        report.write()

    problem = SMALL if small else CONTEST
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "a": lambda: host_facts(device),
        "b": lambda: try_rules(device, read_filters(), seconds),
        "c": lambda: measure_contexts(
            device, read_filters(), memory_meter(device), times=3 if small else 50, seconds=seconds
        ),
        "d": lambda: compare_with_plain_loop(
            problem, device, FOLDER / "all.bpf", runs=2 if small else 64, seconds=seconds
        ),
        "e": lambda: measure_training(
            problem,
            device,
            (2,) if small else (8, 16),
            examples=32 if small else 6_400,
            seconds=seconds,
            on_way=write_so_far,
        ),
        "f": lambda: measure_evaluator(
            problem, device, checkpoints=2 if small else 200, side_by_side=2 if small else 4, seconds=seconds
        ),
        "g": lambda: search_leftovers(device, seconds=seconds),
        "h": lambda: compare_populations(
            device, populations.SMALL if small else populations.FULL, seconds=seconds, on_way=write_so_far
        ),
    }
    return parts[part]()


def main() -> int:
    """Run the parts and write the file; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    listed = "; ".join(f"{name}: {title}" for name, title in PARTS.items())
    parser.add_argument(
        "--part", choices=PARTS, action="append", help=f"only this part, repeatable. {listed}"
    )
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true", help="sizes that measure nothing, to try the parts")
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="for all parts together")
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.stderr.write(
            f"PyTorch {torch.__version__} finds no GPU here, so there is nothing to measure; "
            "--device cpu --small tries the parts themselves.\n"
        )
        return _NOT_READY
    chosen = [part for part in WEIGHTS if options.part is None or part in options.part]
    budget = TimeBudget(options.seconds, {part: WEIGHTS[part] for part in chosen})
    report = Report(path=options.out, device=options.device, small=options.small)
    report.skipped = {part: "not asked for" for part in PARTS if part not in chosen}
    limit = options.seconds + _GRACE_SECONDS
    code = run_within(limit, lambda: run_parts(report, chosen, budget))
    if code is None:
        reason = f"the measurement was stopped after {limit:.0f} s"
        sys.stderr.write(f"{reason[0].upper()}{reason[1:]}.\n")
        complete(report.path, report, chosen, reason)
    sys.stderr.write(f"Written to {options.out}\n")
    return 1 if code is None else code


def run_parts(report: Report, chosen: list[str], budget: TimeBudget) -> int:
    """Measure the parts, write the file after each, and return the exit code."""
    for part in chosen:
        seconds = budget.seconds_for(part)
        sys.stderr.write(f"({part}) {PARTS[part]}: at most {seconds:.0f} s\n")
        began = time.monotonic()
        try:
            report.parts[part] = measure(part, report, seconds)
        except Exception as error:  # noqa: BLE001 - the other parts are measured all the same
            report.failed[part] = f"{type(error).__name__}: {error}"[:1000]
            sys.stderr.write(f"({part}) failed: {report.failed[part]}\n")
        report.seconds[part] = time.monotonic() - began
        report.write()
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
