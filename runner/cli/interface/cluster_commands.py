"""The commands of `unlearn cluster`: module and function below `runner.cli`, and the first line of each."""

from __future__ import annotations

from typing import Final

CLUSTER_COMMANDS: Final = {
    "status": (
        "cluster.status:status_command",
        "Show the nodes of a cluster: what each has, and why one would be refused.",
    ),
}
