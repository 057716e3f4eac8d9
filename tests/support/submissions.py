"""Submissions packed in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from hashlib import sha256

from runner.submission.load import Submission


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
