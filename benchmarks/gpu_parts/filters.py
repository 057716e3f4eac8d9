"""The filters of system calls, as programs for the kernel in files: a bare machine may lack libseccomp.

`python -m tests.tools.export_filters` writes them, from the image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "filters"
ALL: Final = "all"
"""The filter of runs. Each of the others allows one call more, by which it is named."""


def read_filters(folder: Path = FOLDER) -> dict[str, bytes]:
    """Return the programs by name, that of runs first.

    Raises:
        OSError: the file of a filter cannot be read.
    """
    files = sorted(folder.glob("*.bpf"), key=lambda file: (file.stem != ALL, file.stem))
    return {file.stem: file.read_bytes() for file in files}
