"""The commands of `unlearn store` and `unlearn checkpoints`."""

from __future__ import annotations

from typing import Final

STORE_COMMANDS: Final = {
    "move": (
        "organizer.move_store:move_command",
        "Move the rows of a store from SQLite to PostgreSQL, or back; its files stay in their folder.",
    ),
}
"""Of `unlearn store`: module and function below `runner.cli`, and the docstring's first line."""

CHECKPOINT_COMMANDS: Final = {
    "list": (
        "participant.checkpoints:list_checkpoints_command",
        "List the checkpoints that evaluations kept, with their hashes and sizes.",
    ),
    "fetch": (
        "participant.checkpoints:fetch_command",
        "Copy checkpoints of an evaluation into a folder, after checking their hashes.",
    ),
    "prune": (
        "participant.checkpoints:prune_command",
        "Remove the checkpoints of evaluations; runs, outputs and scores stay.",
    ),
}
"""Of `unlearn checkpoints`."""
