"""The filters of system calls, as programs for the kernel in files: a bare machine may lack libseccomp.

`python -m tests.tools.export_filters` writes them, from the image.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "filters"
_INDEX: Final = "index.json"
ALL: Final = "all"
"""The filter of runs. Each of the others allows one call more, by which it is named."""


def read_filters(folder: Path = FOLDER) -> dict[str, bytes]:
    """Return the programs by name, that of runs first; none for a machine with other system calls.

    Raises:
        OSError: the file of a filter cannot be read.
    """
    if not fit_this_machine(folder):
        return {}
    files = sorted(folder.glob("*.bpf"), key=lambda file: (file.stem != ALL, file.stem))
    return {file.stem: file.read_bytes() for file in files}


def fit_this_machine(folder: Path = FOLDER) -> bool:
    """Return whether there are filters, with the numbers that system calls have on this machine."""
    index = folder / _INDEX
    return index.exists() and bool(json.loads(index.read_text())["machine"] == platform.machine())
