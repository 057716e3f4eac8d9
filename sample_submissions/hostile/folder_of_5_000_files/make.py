"""More files than a submission may have; must be refused."""

from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    for index in range(5_000):
        (folder / f"{index}.txt").touch()
    return folder


def make_control(folder: Path) -> Path:
    (folder / "submission.py").write_text(HONEST)
    for index in range(500):
        (folder / f"{index}.txt").touch()
    return folder
