"""The commands of `unlearn store`: module and function below `runner.cli`, and the docstring's first line."""

from __future__ import annotations

from typing import Final

STORE_COMMANDS: Final = {
    "move": (
        "organizer.move_store:move_command",
        "Move the rows of a store from SQLite to PostgreSQL, or back; its files stay in their folder.",
    ),
}
