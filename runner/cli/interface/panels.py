"""Under which headings `unlearn --help` lists the commands, and which it does not list."""

from __future__ import annotations

from typing import Final

PANELS: Final = {
    "setup": "Set up",
    "doctor": "Set up",
    "new": "Take part",
    "check": "Take part",
    "shell": "Take part",
    "run": "Take part",
    "submit": "Take part",
    "list": "Take part",
    "show": "Take part",
    "compare": "Take part",
    "checkpoints": "Take part",
    "score": "Take part",
    "challenge": "Organize",
    "competition": "Organize",
    "leaderboard": "Organize",
    "serve": "Organize",
    "verify": "Organize",
    "gallery": "Organize",
    "clean": "Maintain",
    "image": "Maintain",
    "store": "Maintain",
    "cluster": "Maintain",
}
"""The heading under which ``unlearn --help`` lists each command, in the order of the help."""


HIDDEN: Final = ("report",)
"""Earlier names of commands: they work and print the new command, and the help does not list them."""
