"""A zip compressed with LZMA, which needs much memory to unpack; must be refused."""

import zipfile
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("submission.py", HONEST)
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", HONEST)
        archive.writestr("package/__init__.py", "")
    return path
