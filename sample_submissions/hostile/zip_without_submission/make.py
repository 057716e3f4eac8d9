"""A zip with all files two folders too deep; must be refused with a helpful reason."""

import zipfile
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("my_submission/code/submission.py", HONEST)
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", HONEST)
        archive.writestr("package/__init__.py", "")
    return path
