"""Decide when to stop trying: a run that is lost on node after node, a node on which all evaluations fail.

Whatever is lost at the same moment, such as all devices of a rack, counts once for each run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

MAX_FAILURES: Final = 3
MIN_NODES: Final = 2
"""On which a run has to be lost before its evaluation is held: a single node may be the reason."""


@dataclass(slots=True)
class _Losses:
    number: int = 0
    nodes: set[str] = field(default_factory=set)


class Failures:
    """The failures on our side that one coordinator has seen, by run and by node."""

    def __init__(self) -> None:
        self._runs: defaultdict[str, defaultdict[int, _Losses]] = defaultdict(lambda: defaultdict(_Losses))
        self._avoided: defaultdict[str, set[str]] = defaultdict(set)
        """Nodes by evaluation that has failed there last."""
        self._by_node: defaultdict[str, set[str]] = defaultdict(set)
        """Evaluations in a row, without a run delivered between them, that failed on a node."""
        self._drained: set[str] = set()
        self._by_sandbox: Counter[str] = Counter()
        """Failures of the sandbox, which a run may have caused: three are enough, as on one machine."""

    def delivered(self, evaluation: str, node: str, index: int) -> None:
        """Record that a node delivered a run."""
        self._runs[evaluation].pop(index, None)
        self._avoided[evaluation].discard(node)
        self._by_node.pop(node, None)

    def failed(self, evaluation: str, node: str, indices: Iterable[int], *, by_sandbox: bool = False) -> None:
        """Record that runs were lost on a node, or with it.

        Args:
            evaluation: Whose runs they are.
            node: The node.
            indices: Of all that its device had not delivered.
            by_sandbox: Whether the sandbox failed, and neither a process nor the node.
        """
        self._by_sandbox[evaluation] += by_sandbox
        for index in indices:
            losses = self._runs[evaluation][index]
            losses.number += 1
            losses.nodes.add(node)
        self._avoided[evaluation].add(node)
        self._by_node[node].add(evaluation)
        if len(self._by_node[node]) >= MAX_FAILURES:
            self._drained.add(node)

    def is_held(self, evaluation: str, *, nodes: int) -> bool:
        """Return whether an evaluation is not to be tried any more: one of its runs is lost again and again.

        Args:
            evaluation: Its name.
            nodes: That could be used: with one alone, losses there are enough.
        """
        needed = min(MIN_NODES, max(1, nodes))
        return self._by_sandbox[evaluation] >= MAX_FAILURES or any(
            losses.number >= MAX_FAILURES and len(losses.nodes) >= needed
            for losses in self._runs[evaluation].values()
        )

    def forget(self, evaluation: str) -> None:
        """Forget the losses of an evaluation that is attempted no more; failures of the sandbox count on."""
        self._runs.pop(evaluation, None)
        self._avoided.pop(evaluation, None)

    def is_drained(self, node: str) -> bool:
        """Return whether a node gets no more work: so many different evaluations failed on it in a row."""
        return node in self._drained

    def avoids(self, evaluation: str, node: str) -> bool:
        """Return whether an evaluation should be tried on another node first."""
        return node in self._avoided[evaluation]
