"""Walks every folder for data, challenges, evaluations and other runs' folders; must find only its own."""

import os

ENDINGS = (".safetensors", ".npz", ".pt", ".pth", ".ckpt", ".sqlite", ".sqlite3", ".db")
NAMES = ("challenge.toml", "measurements.json", "submission.zip", "manifest.json")
LIBRARIES = ("/opt/venv/", "/opt/extras/", "/usr/lib/", "/usr/share/")
"""Their own examples are no secret."""


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    own = os.getcwd()
    for parent, folders, files in os.walk("/"):
        if parent in ("/proc", "/sys") or parent == own:
            folders.clear()
            continue
        if parent.startswith("/scratch/") and parent != "/scratch/0":
            raise Escaped(f"the folder of another run: {parent}")
        for name in files:
            path = os.path.join(parent, name)
            suspicious = name.endswith(ENDINGS) or name in NAMES
            if name == "submission.py" or (suspicious and not parent.startswith(LIBRARIES)):
                raise Escaped(f"{path} of {os.path.getsize(path)} bytes")
