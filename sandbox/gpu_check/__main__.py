"""Print as one JSON object how each rule of a run affects the device."""

from __future__ import annotations

import json
import os
import sys
from typing import Final

_SECONDS: Final = 240.0


def main() -> None:
    """Try the rules on the device that the first argument names: ``cuda`` or ``cpu``."""
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"  # before torch is imported: this process uses no GPU
    from sandbox.gpu_check.rules import try_rules  # noqa: PLC0415 - imports torch
    from sandbox.seccomp import program  # noqa: PLC0415 - loads libseccomp

    sys.stdout.write(json.dumps(try_rules(sys.argv[1], {"all": program()}, _SECONDS)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
