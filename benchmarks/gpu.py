"""Measure what this project does on a GPU, without a container engine, in at most nine minutes.

    python benchmarks/gpu.py                         all parts on the first GPU
    python benchmarks/gpu.py --part b                one part
    python benchmarks/gpu.py --device cpu --small    whether the parts themselves work

Needs Linux and PyTorch; from part (d) on safetensors, numpy and torchvision, for part (h) also SciPy and
scikit-learn; to be root where runs change their uid; and for part (d) namespaces of its own (`unshare`).
Each part is a process of its own. The JSON file is written after every part and with each value on the way,
and says what was skipped or stopped and why, also after Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.gpu_parts.devices import ENVIRONMENT, find_device
from benchmarks.gpu_parts.part_process import Outcome, StopRequest, Values, measure_apart, stop_on_signals
from benchmarks.gpu_parts.parts import PARTS, WEIGHTS, Conditions, measure
from benchmarks.gpu_parts.report import Report
from benchmarks.gpu_parts.time_budget import TimeBudget
from benchmarks.gpu_parts.worker.bare_machine import Loan

_BEGAN: Final = time.monotonic()
"""Importing torch for the first time takes many seconds on some machines."""
_SECONDS: Final = 520.0
"""Nine minutes less what ending a part that hangs may take (`OVERTIME_SECONDS`), and some for the file."""
_NOT_READY: Final = 3


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
    os.environ.update(ENVIRONMENT)
    try:
        import torch  # noqa: PLC0415 - takes time that counts, and may be missing
    except ImportError as error:
        sys.stderr.write(f"PyTorch cannot be imported, so nothing can be measured: {error}\n")
        return _NOT_READY
    found = find_device(options.device)
    if "error" in found:
        sys.stderr.write(
            f"PyTorch {torch.__version__} finds no GPU here, so there is nothing to measure "
            f"({found['error']}); --device cpu --small tries the parts themselves.\n"
        )
        return _NOT_READY
    torch.set_num_threads(1)  # before any work: threads of a pool do not survive the forks of the parts
    chosen = [part for part in WEIGHTS if options.part is None or part in options.part]
    spent = time.monotonic() - _BEGAN
    budget = TimeBudget(max(0.0, options.seconds - spent), {part: WEIGHTS[part] for part in chosen})
    report = Report(path=options.out, device=options.device, small=options.small)
    report.skipped = {part: "not asked for" for part in PARTS if part not in chosen}
    try:
        report.write()
    except OSError as error:
        sys.stderr.write(f"{options.out} cannot be written: {error}\n")
        return _NOT_READY
    code = run_parts(report, chosen, budget, found)
    sys.stderr.write(f"Written to {options.out}\n")
    return code


def run_parts(report: Report, chosen: list[str], budget: TimeBudget, found: dict[str, Any]) -> int:
    """Measure the parts, write the file after each, and return the exit code."""
    is_whole = True
    with stop_on_signals() as request:
        for part in chosen:
            if request.reason:
                report.skipped[part] = request.reason
            elif budget.left <= 0:  # one more that hangs would be ended later than promised
                report.skipped[part] = "no time left"
                is_whole = False
            else:
                outcome = _measure(part, report, budget, found, request)
                is_whole = is_whole and not outcome.error
        report.write()
    return 0 if is_whole and not request.reason else 1


def _measure(
    part: str, report: Report, budget: TimeBudget, found: dict[str, Any], request: StopRequest
) -> Outcome:
    seconds = budget.seconds_for(part)
    sys.stderr.write(f"({part}) {PARTS[part]}: at most {seconds:.0f} s\n")
    sys.stderr.flush()
    began, loan = time.monotonic(), Loan()

    def work(on_way: Any) -> Values:  # noqa: ANN401 - a function of `part_process`
        conditions = partial(Conditions, device=report.device, small=report.small, found=found)
        return measure(part, conditions(seconds=seconds, on_way=on_way, loan=loan))

    def keep(values: Values) -> None:
        report.add_so_far(part, values)
        with contextlib.suppress(OSError):  # the file will be written again
            report.write()

    limit = budget.left if report.small else budget.limit_for(part)
    try:
        outcome = measure_apart(work, limit, request, keep)
    finally:
        loan.put_back()  # a part that was killed could not
    report.add(part, outcome.values, outcome.error, outcome.skipped, time.monotonic() - began)
    for title, text in (("ended too soon", outcome.error), ("skipped", outcome.skipped)):
        if text:
            sys.stderr.write(f"({part}) {title}: {text}\n")
    report.write()
    return outcome


if __name__ == "__main__":
    sys.exit(main())
