"""Submissions packed in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from runner.submission.load import Submission

_DISPATCHER: Final = """
import importlib.util, sys, torch
from pathlib import Path

def unlearning(*arguments):
    file = Path(__file__).parent / TABLE[torch.initial_seed() // 100]
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.unlearning(*arguments)
"""


def pack_submission(files: Mapping[str, str] | str, name: str = "test") -> Submission:
    """Return a submission of these files, or of one ``submission.py``, as the same bytes every time."""
    if isinstance(files, str):
        files = {"submission.py": files}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for path, source in files.items():
            file.writestr(zipfile.ZipInfo(path), source)
    data = archive.getvalue()
    return Submission(name=name, sha256=sha256(data).hexdigest(), archive=data)


def pack_entries(sources: Mapping[str, str]) -> Submission:
    """Return the sources as one submission: seeds from 100 i to 100 i + 99 run source i."""
    files = {f"{name}.py": source for name, source in sources.items()}
    dispatcher = f"TABLE = {list(files)}\n{_DISPATCHER}"
    return pack_submission({"submission.py": dispatcher, **files}, name="entries")
