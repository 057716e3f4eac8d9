"""Take a node in: examine it, refuse it if it is not fit, and start the devices that it lacks.

A process on a GPU takes it from what Ray hands out, so that nothing else that uses the same Ray gets it. Ray
chooses which of a node's whole GPUs it gives, so the process uses that one. An instance of a divided GPU is a
resource of its own, whose name is its UUID, if the node was started with it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from runner.cluster.answers import NodeRefusedError
from runner.cluster.code_version import code_version
from runner.cluster.decisions.fitness import OTHER_VERSION, Requirements, has_other_software, why_unfit
from runner.cluster.handles import Node, RayDevice
from runner.devices.device import Device
from runner.engine.placement import CPU

if TYPE_CHECKING:
    from runner.cluster.nodes import Nodes

GPU: Final = "GPU"
"""Ray's name of the resource."""


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
    return start_devices(cluster, node)


def start_devices(cluster: Nodes, node: Node) -> list[RayDevice]:
    """Start a process for each device of a node that has none.

    Args:
        cluster: By which they are started.
        node: Whose facts are known.

    Raises:
        NodeRefusedError: one does not start or has loaded another version of the code, another coordinator
            has it, or Ray gives it a GPU that cannot be used.
    """
    assert node.facts is not None
    present = {device.slot for device in node.devices}
    started: list[RayDevice] = []
    try:
        for device in node.facts.devices:
            if device.name not in present:
                started.append(_start_device(cluster, node, device))
                if cluster.ask(started[-1].actor.version.remote()) != code_version():
                    # its files were replaced after its agent's start
                    raise NodeRefusedError(OTHER_VERSION, has_other_software=True)
    except (ValueError, NodeRefusedError) as error:
        for each in started:
            cluster.end(each, node)
        if isinstance(error, NodeRefusedError):
            raise
        raise NodeRefusedError("another command uses it; wait for it.", is_temporary=True) from error
    return started


def resources_of(device: Device, node: Node) -> dict[str, float]:
    """Return what the process of a device takes of what Ray hands out on its node."""
    if device.requested == CPU:
        return {}
    uuid = device.requested.removeprefix("cuda:")
    if node.resources.get(uuid):
        return {uuid: 1.0}
    is_instance = uuid.lower().startswith("mig-")
    return {GPU: 1.0} if node.resources.get(GPU) and not is_instance else {}


def _start_device(cluster: Nodes, node: Node, device: Device) -> RayDevice:
    """Start the process of a device; kill it if it does not say what it is: no lease would end it."""
    resources = resources_of(device, node)
    actor = cluster.start_worker(node, device, resources)
    try:
        mark = cluster.ask(actor.mark.remote())
        used = _given(cluster, node, actor) if GPU in resources else device
        if used is not device:
            cluster.ask(actor.use.remote(used))
    except NodeRefusedError:
        cluster.kill(actor)
        raise
    return RayDevice(
        cluster=cluster,
        node=node.id,
        node_name=node.name,
        device_name=used.name,
        device_class=used.recorded,
        slot=device.name,
        actor=actor,
        mark=mark,
    )


def _given(cluster: Nodes, node: Node, actor: Any) -> Device:  # noqa: ANN401 - a handle
    """Return the device that Ray gave a process.

    Raises:
        NodeRefusedError: it is none of the node's, or has no UUID.
    """
    assert node.facts is not None
    visible = list(cluster.ask(actor.visible_gpus.remote()))
    with contextlib.suppress(ValueError):
        (uuid,) = visible
        for device in node.facts.devices:
            if device.requested.lower() == f"cuda:{uuid}".lower():
                return device
    raise NodeRefusedError(
        f"Ray hands out GPU {', '.join(visible) or 'without a name'}, which is none of these devices: start "
        "it there with CUDA_VISIBLE_DEVICES set to the UUIDs of the GPUs that it is to hand out."
    )
