"""`unlearn cluster status`: what each node is, and whether it would be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from runner.challenge.limits import Limits
from runner.cli.cluster.run import requirements_of
from runner.cli.console import print_json, stdout_console
from runner.cli.options import DevicesOption, JsonOption
from runner.cluster.decisions.gpu_class import devices_of_nodes, recorded_class
from runner.cluster.ray_library import joined_cluster, load_ray
from runner.cluster.survey import SurveyedNode, gpu_classes_of_nodes, survey
from runner.engine.connect import connect_engine
from runner.engine.placement import CPU
from runner.errors import HostNotReadyError
from runner.image.image import require_image
from runner.reports.columns import REQUIRED, Column, fitted_table
from runner.sanitize import sanitize_line
from runner.units import GIB

_PROBLEM_WIDTH = 24


def status_command(
    cluster: Annotated[
        str,
        typer.Option(
            "--cluster", metavar="HOST:PORT", help="Ray's head, or auto for this machine's cluster."
        ),
    ] = "auto",
    devices: DevicesOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show the nodes of a cluster: what each has, and why one would be refused.

    Each node is asked by its agent, which is started if there is none. Ends with 3 if no node would be used.
    """
    load_ray()
    image = require_image(connect_engine())
    with joined_cluster(cluster) as ray:
        each = devices_of_nodes(devices, required_device=CPU, classes=lambda: gpu_classes_of_nodes(ray))
        required = requirements_of(image, device_class=recorded_class(each))
        nodes = survey(ray, required, devices=each, limits=Limits())
    if as_json:
        print_json({"nodes": [_to_json(node) for node in nodes]})
    else:
        show_nodes(nodes)
    if not any(node.problem == "" for node in nodes):
        raise HostNotReadyError(
            "No node of the cluster would be used." if nodes else "The cluster has no nodes that execute."
        )


def show_nodes(nodes: Sequence[SurveyedNode]) -> None:
    """Print a row for each node."""
    console = stdout_console()
    facts = [node.facts for node in nodes]

    def figures(values: Sequence[float | None], unit: int) -> list[str]:
        return [f"{value / unit:.0f}" if value else "-" for value in values]

    columns = [
        Column(
            title="node",
            cells=[sanitize_line(node.name, 200) for node in nodes],
            importance=REQUIRED,
            shrinks_to=_PROBLEM_WIDTH,
        ),
        Column(
            title="devices",
            cells=[str(len(each.devices)) if each else "-" for each in facts],
            importance=50,
            right=True,
        ),
        Column(
            title="cores",
            cells=figures([each.cores if each else None for each in facts], 1),
            importance=40,
            right=True,
        ),
        Column(
            title="memory GiB",
            cells=figures([each.memory_bytes if each else None for each in facts], GIB),
            importance=30,
            right=True,
        ),
        Column(
            title="free GiB",
            cells=figures([each.free_bytes if each else None for each in facts], GIB),
            importance=30,
            right=True,
        ),
        Column(
            title="status",
            cells=[
                sanitize_line(f"refused: {node.problem}" if node.problem else "ready", 600) for node in nodes
            ],
            importance=REQUIRED,
            shrinks_to=_PROBLEM_WIDTH,
        ),
    ]
    console.print(fitted_table(columns, console.width))


def _to_json(node: SurveyedNode) -> dict[str, Any]:
    facts = node.facts
    return {
        "id": node.id,
        "name": node.name,
        "ready": node.problem == "",
        "problem": node.problem or None,
        "devices": [device.name for device in facts.devices] if facts else [],
        "device_class": facts.devices[0].recorded if facts and facts.devices else None,
        "cores": facts.cores if facts else None,
        "memory_bytes": facts.memory_bytes if facts else None,
        "free_bytes": facts.free_bytes if facts else None,
        "processor": facts.processor if facts else None,
        "image": facts.image if facts else None,
    }
