"""Fuzz each target for some seconds and print a table: ``python -m tests.fuzz.run SECONDS [TARGET]…``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import CORPUS, MAX_INPUT_BYTES

BUILD = Path("build/fuzz")
MAX_RSS_MIB = 512
"""Past it, libFuzzer calls it a failure: hostile lengths must not cost memory."""
MAX_INPUT_SECONDS = 5
COLUMNS = {
    "executions": r"stat::number_of_executed_units:\s*(\d+)",
    "a second": r"stat::average_exec_per_sec:\s*(\d+)",
    "new inputs": r"stat::new_units_added:\s*(\d+)",
    "slowest s": r"stat::slowest_unit_time_sec:\s*(\d+)",
    "peak MiB": r"stat::peak_rss_mb:\s*(\d+)",
    "corpus": r"corp: (\d+)/\S+(?!.*corp: )",
}


def fuzz(name: str, seconds: int) -> tuple[int, str]:
    """Return libFuzzer's exit status and its output."""
    folder = BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.harness", name),
            *(f"-max_total_time={seconds}", f"-max_len={MAX_INPUT_BYTES[name]}"),
            *(f"-rss_limit_mb={MAX_RSS_MIB}", f"-timeout={MAX_INPUT_SECONDS}", "-print_final_stats=1"),
            *(f"-artifact_prefix={BUILD}/{name}-", str(folder), str(CORPUS / name)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    output = done.stdout.decode(errors="replace")
    (BUILD / f"{name}.log").write_text(output)
    return done.returncode, output


def main() -> int:
    seconds, names = int(sys.argv[1]), sys.argv[2:] or list(MAX_INPUT_BYTES)
    failed = []
    print(f"{'target':12}" + "".join(f"{column:>12}" for column in COLUMNS), flush=True)
    for name in names:
        status, output = fuzz(name, seconds)
        figures = [
            re.findall(pattern, output, re.DOTALL if "!" in pattern else 0) for pattern in COLUMNS.values()
        ]
        row = "".join(f"{figure[-1] if figure else '?':>12}" for figure in figures)
        print(f"{name:12}{row}{'' if status == 0 else '  FAILED'}", flush=True)
        if status != 0:
            failed.append(name)
    for name in failed:
        print(f"{name}: see {BUILD / name}.log; the input is a file {BUILD / name}-*", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
