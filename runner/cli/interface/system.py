"""The systems that the host side runs on: Linux, and what is like it where it counts."""

from __future__ import annotations


def unsupported_sentence(os_name: str) -> str | None:
    """Return a sentence for a system on which the modules of this project cannot even be imported.

    Args:
        os_name: As `os.name` has it: locks of files and the signals used here are POSIX.
    """
    if os_name == "posix":
        return None
    return "unlearn needs Linux or macOS; on Windows, install and run it inside WSL 2 (docs/image.md)."
