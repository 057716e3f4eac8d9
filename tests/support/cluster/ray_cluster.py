"""A Ray cluster on this machine: a head that executes nothing, and nodes that share engine and image."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from typing import Any, Final

from runner.challenge.challenge import Challenge
from runner.cluster.code_version import code_version
from runner.cluster.decisions.fitness import Requirements
from runner.cluster.pool import ClusterPool
from runner.cluster.ray_library import joined_cluster
from runner.image.image import Image

ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
}
"""Of every process of a cluster. Ray reads it once, when it is imported."""
_STORE_BYTES: Final = 80 << 20


class RayCluster:
    """A cluster whose processes are children of this one."""

    def __init__(self) -> None:
        os.environ.update(ENVIRONMENT)
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": _STORE_BYTES}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.nodes: list[Any] = []

    @property
    def address(self) -> str:
        """Return where the head listens."""
        return str(self._cluster.address)

    def add_node(self, **more: Any) -> Any:
        """Add a node, with more of what Ray may be told about it, and return it."""
        node = self._cluster.add_node(num_cpus=1, object_store_memory=_STORE_BYTES, **more)
        self.nodes.append(node)
        return node

    def kill_node(self, node: Any) -> None:
        """Kill all processes of a node at once, as if its machine had lost power."""
        self.nodes.remove(node)
        self._cluster.remove_node(node, allow_graceful=False)

    def close(self) -> None:
        """End all of its processes."""
        self._cluster.shutdown()


@contextlib.contextmanager
def ray_cluster(nodes: int) -> Iterator[RayCluster]:
    """Yield a cluster with so many nodes beside its head."""
    cluster = RayCluster()
    try:
        for _ in range(nodes):
            cluster.add_node()
        yield cluster
    finally:
        cluster.close()


def pool_of(
    cluster: RayCluster, challenge: Challenge, image: Image, **changes: Any
) -> contextlib.AbstractContextManager[ClusterPool]:
    """Return the pool of a cluster, for a challenge on processors."""
    return joined_pool(cluster.address, challenge, image, **changes)


@contextlib.contextmanager
def joined_pool(address: str, challenge: Challenge, image: Image, **changes: Any) -> Iterator[ClusterPool]:
    """Yield the pool of the cluster at an address, for a challenge on processors."""
    required = Requirements(
        version=code_version(),
        image=image.digest,
        platform=image.platform,
        config=image.config,
        device_class="cpu",
    )
    arguments: dict[str, Any] = {
        "required": required,
        "devices": "cpu:1",
        "limits": challenge.description.limits,
        "runtime": "",
        "report": lambda _line: None,
        **changes,
    }
    with joined_cluster(address) as ray, ClusterPool(ray, **arguments) as pool:
        yield pool
