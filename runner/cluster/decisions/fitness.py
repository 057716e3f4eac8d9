"""Decide whether a node may execute runs beside the others, and with which words it is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from runner.devices.device import Device
from runner.units import GIB

OTHER_VERSION: Final = (
    "its version of unlearn is another one: install the same on all nodes, then restart Ray there."
)
MIN_FREE_BYTES: Final = 2 * GIB
"""Of the disk with a node's cache, beside the challenge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What a node says about itself. Empty text stands for what is not known."""

    host: str
    version: str
    """Digest of the project's code that it has loaded."""
    problem: str = ""
    """Why it can execute nothing: no engine, no such image or device, or what doctor found broken."""
    image: str = ""
    """Digest of the inputs of its image."""
    platform: str = ""
    """Of the image."""
    config: str = ""
    """Digest of the image's configuration, which covers all of its content."""
    processor: str = ""
    """Model."""
    cores: int = 0
    memory_bytes: int = 0
    niceness: int = 0
    """Of its processes."""
    free_bytes: int = 0
    """On the disk with its cache."""
    devices: tuple[Device, ...] = ()
    gpu_driver: str = ""
    """Its version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What a node has to be."""

    version: str
    image: str
    platform: str
    config: str
    """Of the coordinator's image; empty where its engine does not report it."""
    device_class: str
    """``cpu``, or ``cuda:`` and a model: times on others do not compare."""
    processor: str = ""
    """Model on which retraining was timed, where limits are a fraction of that; empty for any."""
    challenge_bytes: int = 0


def gpu_drivers(nodes: Iterable[NodeFacts]) -> str:
    """Return the versions of the nodes' drivers, each once, with commas between; empty if none is known."""
    return ", ".join(sorted({facts.gpu_driver for facts in nodes} - {""}))


def why_unfit(facts: NodeFacts, required: Requirements) -> str:
    """Return the sentence with which a node is refused; empty if it is not."""
    if facts.version != required.version:
        return OTHER_VERSION
    return facts.problem or _other_image(facts, required) or _other_machine(facts, required)


def has_other_software(facts: NodeFacts, required: Requirements) -> bool:
    """Return whether what a node executes would not compare, even where it has begun already."""
    if facts.version != required.version:
        return True
    return not facts.problem and _other_image(facts, required) != ""  # with a problem, no image is known


def _other_image(facts: NodeFacts, required: Requirements) -> str:
    """Return what is wrong with the image; empty if nothing is."""
    if facts.image != required.image:
        return f"its image is {facts.image[:12]}, not {required.image[:12]}: run unlearn setup there."
    if facts.platform != required.platform:
        return f"its image is for {facts.platform}, not {required.platform}: results would differ."
    if required.config and facts.config != required.config:
        return (
            f"its image has other content ({_short(facts.config)}, not {_short(required.config)}): take the "
            "coordinator's, by unlearn image pull or load."
        )
    return ""


def _other_machine(facts: NodeFacts, required: Requirements) -> str:
    """Return what is wrong with the devices and the disk; empty if nothing is."""
    classes = sorted({device.recorded for device in facts.devices})
    if classes != [required.device_class]:
        return f"its devices are {', '.join(classes) or 'missing'}, not {required.device_class}."
    if required.processor and facts.processor != required.processor:
        return (
            f"its processor is {facts.processor or 'not known'}, and time limits are a fraction of "
            f"retraining on {required.processor}."
        )
    if facts.niceness > 0:
        return (
            f"its processes have niceness {facts.niceness}, and would see the end of runs late: start Ray "
            "there with RAY_worker_niceness=0."
        )
    needed = MIN_FREE_BYTES + required.challenge_bytes
    if facts.free_bytes < needed:
        return f"its disk has {facts.free_bytes / GIB:.1f} GiB free, and {needed / GIB:.1f} GiB are needed."
    return ""


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12] or "unknown"
