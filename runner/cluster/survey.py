"""Ask every node of a cluster what it is, and use none."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from runner.challenge.limits import Limits
from runner.cluster.answers import NodeRefusedError
from runner.cluster.decisions.fitness import NodeFacts, Requirements, why_unfit
from runner.cluster.decisions.gpu_class import ONE_SLOT
from runner.cluster.handles import Node
from runner.cluster.nodes import Nodes

_AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedNode:
    """A node, and whether it would be used."""

    id: str
    name: str
    facts: NodeFacts | None
    """None if it does not answer."""
    problem: str
    """Why it would be refused; empty if it would not."""


def survey(
    ray: Any,  # noqa: ANN401 - a library without types
    required: Requirements,
    *,
    devices: str,
    limits: Limits,
    runtime: str = "",
) -> list[SurveyedNode]:
    """Return the nodes of a cluster, by name; the arguments are those of `ClusterPool`."""
    cluster = Nodes(
        ray, uuid.uuid4().hex, devices=devices, limits=limits, runtime=runtime, image=required.image
    )

    def examined(node: Node) -> SurveyedNode:
        try:
            cluster.examine(node)
            assert node.facts is not None
            problem = why_unfit(node.facts, required)
        except NodeRefusedError as error:
            problem = str(error)
        return SurveyedNode(id=node.id, name=node.name, facts=node.facts, problem=problem)

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        nodes = threads.map(examined, cluster.alive().values())
        return sorted(nodes, key=lambda node: (node.name, node.id))


def gpu_classes_of_nodes(ray: Any) -> set[str]:  # noqa: ANN401 - a library without types
    """Return the classes of the GPUs of all nodes that answer."""
    cluster = Nodes(ray, uuid.uuid4().hex, devices=ONE_SLOT, limits=Limits(), runtime="", image="")

    def listed(node: Node) -> list[str]:
        try:
            return cluster.gpu_classes(node)
        except NodeRefusedError:
            return []

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return {name for names in threads.map(listed, cluster.alive().values()) for name in names}
