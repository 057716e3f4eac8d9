"""The commands of `unlearn challenge` and `unlearn competition`."""

from __future__ import annotations

from typing import Final

CHALLENGE_COMMANDS: Final = {
    "build": ("challenge:build_command", "Build a challenge, or continue one that was interrupted."),
    "show": ("challenge:show_challenge_command", "Show a challenge after checking all of its files."),
    "measure": (
        "measure:measure_command",
        "Time retraining on this machine again, and show the resulting time limit.",
    ),
    "export": ("export:export_command", "Write the folder that participants get, and print its hash."),
}
"""Of `unlearn challenge`: module and function below `runner.cli`, and the docstring's first line."""

COMPETITION_COMMANDS: Final = {
    "init": (
        "organizer.competition:init_command",
        "Write a new competition.toml with a practice, a feedback and a final phase, to be edited.",
    ),
    "check": (
        "organizer.competition:check_command",
        "Check a competition before it opens: its dates, its challenges, and what a day of it costs.",
    ),
}
"""Of `unlearn competition`, likewise."""
