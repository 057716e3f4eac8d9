"""What a file is that is no submission, and what to do about it."""

from __future__ import annotations

from typing import Final

_ARCHIVES: Final = (
    *(".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst"),
    *(".gz", ".bz2", ".xz", ".zst", ".7z", ".rar"),
)
_SOURCES: Final = (".txt", ".pyw", ".py3", ".pyi")
_REMEDIES: Final = (
    ((".ipynb",), "export it with: jupyter nbconvert --to script NOTEBOOK"),
    (_ARCHIVES, "unpack it and name the folder, or pack its files as .zip"),
    ((".pyc", ".pyo", ".so", ".pyd"), "hand in its source"),
    ((".pt", ".pth", ".ckpt", ".safetensors", ".pkl", ".npz"), "hand in the code that makes it"),
    (_SOURCES, "if it is Python, rename it to submission.py"),
)


def other_kind(name: str) -> str:
    """Return, as the rest of a sentence, that a file of this name is no submission, and what to do."""
    lower = name.lower()
    remedy = next((text for endings, text in _REMEDIES if lower.endswith(endings)), None)
    kind = "neither a folder nor a .py file nor a .zip"
    return f"{kind}; {remedy}" if remedy else f"{kind}; name a folder with a file submission.py"
