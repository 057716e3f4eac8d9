"""Bring challenges to nodes: the files of each are put into Ray's store once, and taken from there."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from runner.challenge.challenge import Challenge
from runner.cluster.answers import NodeRefusedError
from runner.cluster.handles import Node
from runner.cluster.node.challenge_cache import challenge_files
from runner.cluster.nodes import Nodes

_AT_ONCE: Final = 16


class ChallengeProvider:
    """Provides challenges to nodes. Safe to use from several threads."""

    def __init__(self, cluster: Nodes) -> None:
        """Provide them by way of a cluster."""
        self._cluster = cluster
        self._files: dict[str, Any] = {}
        """References to the files of challenges in Ray's store, by their hash."""
        self._lock = threading.Lock()

    def provide(self, node: Node, challenge: Challenge) -> None:
        """Bring a challenge into a node's cache, unless it is there.

        Raises:
            NodeRefusedError: it cannot be stored there.
        """
        sha256 = challenge.sha256
        if sha256 in node.challenges:
            return
        if not self._cluster.has_challenge(node, sha256):
            with self._lock:
                if sha256 not in self._files:
                    self._files[sha256] = self._cluster.put(challenge_files(challenge))
            self._cluster.store_challenge(node, sha256, self._files[sha256])
        node.challenges.add(sha256)

    def provide_all(
        self, nodes: Sequence[Node], challenges: Iterable[Challenge]
    ) -> list[tuple[Node, NodeRefusedError]]:
        """Bring challenges to nodes that lack them, several at once; return where that failed, and why."""
        by_hash = {challenge.sha256: challenge for challenge in challenges}
        missing = [
            (node, by_hash[sha256]) for node in nodes for sha256 in by_hash if sha256 not in node.challenges
        ]
        if not missing:
            return []

        def attempt(pair: tuple[Node, Challenge]) -> tuple[Node, NodeRefusedError | None]:
            try:
                self.provide(*pair)
            except NodeRefusedError as error:
                return pair[0], error
            return pair[0], None

        with ThreadPoolExecutor(min(_AT_ONCE, len(missing)), thread_name_prefix="provide") as threads:
            return [(node, error) for node, error in threads.map(attempt, missing) if error is not None]
