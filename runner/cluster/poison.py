"""Decide when to stop trying: an evaluation that node after node fails with, a node that fails with all.

Both count failures in a row: a run that is delivered ends the row, because work goes on.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

MAX_FAILURES: Final = 3
"""In a row, without a run that was delivered."""
MIN_NODES: Final = 2
"""On which an evaluation has to fail before it is held: a single node may be the reason."""


@dataclass(slots=True)
class _Row:
    failures: int = 0
    others: set[str] = field(default_factory=set)
    """Nodes with which an evaluation failed, or evaluations with which a node failed."""


class Failures:
    """The failures on our side of one coordinator, by evaluation and by node."""

    def __init__(self) -> None:
        self._by_evaluation: defaultdict[str, _Row] = defaultdict(_Row)
        self._by_node: defaultdict[str, _Row] = defaultdict(_Row)
        self._drained: set[str] = set()

    def delivered(self, evaluation: str, node: str) -> None:
        """Record that a run of an evaluation was delivered by a node."""
        self._by_evaluation.pop(evaluation, None)
        self._by_node.pop(node, None)

    def failed(self, evaluation: str, node: str) -> None:
        """Record that a share of an evaluation failed on a node, or was lost with it."""
        row = self._by_evaluation[evaluation]
        row.failures += 1
        row.others.add(node)
        row = self._by_node[node]
        row.failures += 1
        row.others.add(evaluation)
        if len(row.others) >= MAX_FAILURES:
            self._drained.add(node)

    def is_held(self, evaluation: str, *, nodes: int) -> bool:
        """Return whether an evaluation is not to be tried any more.

        Args:
            evaluation: Its name.
            nodes: That could be used when it failed: with one alone, its failures are enough.
        """
        row = self._by_evaluation.get(evaluation, _Row())
        return row.failures >= MAX_FAILURES and len(row.others) >= min(MIN_NODES, max(1, nodes))

    def is_drained(self, node: str) -> bool:
        """Return whether a node is given no more work: so many different evaluations failed on it in a row."""
        return node in self._drained

    def avoids(self, evaluation: str, node: str) -> bool:
        """Return whether an evaluation should be tried on another node first."""
        row = self._by_evaluation.get(evaluation)
        return row is not None and node in row.others
