"""A zip with special files, by their mode; must be refused."""

import zipfile
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("submission.py", HONEST)
        for name, kind in (("device", 0o020666), ("fifo", 0o010666), ("socket", 0o140666)):
            special = zipfile.ZipInfo(name)
            special.create_system, special.external_attr = 3, kind << 16
            archive.writestr(special, "")
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", HONEST)
        archive.writestr("package/__init__.py", "")
    return path
