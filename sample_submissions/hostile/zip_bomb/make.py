"""A zip with 300 MB of zeros; must be refused for its declared size."""

import zipfile
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.zip"
    zeros = bytes(1 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", HONEST)
        with archive.open("zeros", "w") as file:
            for _ in range(300):
                file.write(zeros)
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", HONEST)
        archive.writestr("package/__init__.py", "")
    return path
