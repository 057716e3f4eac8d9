"""A zip with a name that begins at the root; must be refused, and nothing may be written there."""

import zipfile
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("submission.py", HONEST)
        archive.writestr("/tmp/unlearn-hostile-escaped", "out")
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", HONEST)
        archive.writestr("package/__init__.py", "")
    return path
