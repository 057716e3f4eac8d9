"""Take a node in: examine it, refuse it if it is not fit, and start the devices that it lacks."""

from __future__ import annotations

from runner.cluster.answers import NodeRefusedError
from runner.cluster.decisions.fitness import Requirements, has_other_software, why_unfit
from runner.cluster.handles import Node, RayDevice
from runner.cluster.nodes import Nodes


def open_node(cluster: Nodes, node: Node, required: Requirements) -> list[RayDevice]:
    """Return the devices of a node that were started now.

    Args:
        cluster: By which it is asked.
        node: Whose facts are replaced.
        required: What it has to be.

    Raises:
        NodeRefusedError: it is not fit, does not answer, or a device does not start.
    """
    cluster.examine(node)
    assert node.facts is not None
    if problem := why_unfit(node.facts, required):
        raise NodeRefusedError(problem, has_other_software=has_other_software(node.facts, required))
    return cluster.start_devices(node)
