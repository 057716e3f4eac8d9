"""A folder with a sparse file; must be refused for its size."""

from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    with (folder / "data.bin").open("wb") as file:
        file.truncate(10 << 30)
    return folder


def make_control(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    (folder / "data.bin").write_bytes(bytes(1 << 20))
    return folder
