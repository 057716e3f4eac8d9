"""The commands of `unlearn checkpoints`: module and function below `runner.cli`, and what each does."""

from __future__ import annotations

from typing import Final

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
