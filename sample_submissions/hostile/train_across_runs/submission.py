"""Leaves its weights in every place that it can write; a later run must find none of them."""

import contextlib
import os
from pathlib import Path

import torch

PLACES = (
    "/tmp",
    "/dev/shm",
    "/kaggle/tmp",
    "/kaggle/working",
    "/scratch/0",
    "/var/tmp",
    "/dev/mqueue",
    "/run",
    ".",
)


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    folders = {Path(place).resolve() for place in (*PLACES, "..", os.environ["HOME"])}
    for folder in folders:
        path = folder / "unlearn-hostile-weights.pt"
        if path.exists():
            raise Escaped(f"{path} of an earlier run")
        with contextlib.suppress(OSError, RuntimeError):
            torch.save(net.state_dict(), path)
            path.chmod(0o644)
