"""Two zips in one file, of which readers choose either; must be refused."""

import io
import zipfile
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    parts = []
    for source in (HONEST, "raise SystemExit\n"):
        part = io.BytesIO()
        with zipfile.ZipFile(part, "w") as archive:
            archive.writestr("submission.py", source)
        parts.append(part.getvalue())
    path = folder / "evil.zip"
    path.write_bytes(b"".join(parts))
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", HONEST)
        archive.writestr("package/__init__.py", "")
    return path
