"""The facts about a host, gathered once and judged elsewhere: plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.challenge.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The state of a host. None and empty stand for a value that could not be determined."""

    engine_problem: str = ""
    """Why no engine answers; empty if one does."""

    info: Mapping[str, Any] = field(default_factory=dict)
    """What the engine reports about its host."""

    version: Mapping[str, Any] = field(default_factory=dict)
    """What the engine reports about itself and its components."""

    is_local: bool = False
    """Whether the engine runs on this machine, so that facts that are read here are true for it."""

    programs: Mapping[str, str] = field(default_factory=dict)
    """The version that each runtime and the GPU toolkit print, by name."""

    image: str = ""
    """Tag of the image for the present inputs, if it is built."""

    image_problem: str = ""
    store: str = ""
    store_problem: str = ""
    """Why the folder for evaluations cannot be written; empty if it can."""

    store_free_bytes: int | None = None
    engine_free_bytes: int | None = None
    """On the disk where the engine stores images."""

    wheels_free_bytes: int | None = None
    """On the disk that holds the wheels while the image is built."""

    memory_available_bytes: int | None = None
    swap_bytes: int | None = None
    overcommit_memory: str = ""
    """The kernel's setting for memory that programs request and do not use yet: ``2`` limits the total."""

    load_1min: float | None = None
    core_pattern: str = ""
    """The kernel's setting for the core dump of a process that crashes."""

    suid_dumpable: str = ""
    """Whether the kernel dumps processes that have changed their uid: ``0`` for never."""

    engine_core_limit: str = ""
    """The hard limit of core dumps of an engine without root, which its containers cannot exceed."""

    crun_is_profiled: bool = False
    """Whether AppArmor has a profile for crun itself; only root can read this."""

    file_max: int | None = None
    """Number of files that all programs, except those of root, may have open together."""

    gpu_devices: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """The intended use of the host."""

    limits: Limits
    runtime: str | None = None
    """The container runtime to use; None for the engine's default."""
