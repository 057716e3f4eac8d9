"""What doctor knows of a host: plain values, gathered once and judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.challenge.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A host as it was found. None and empty mean that it could not be told."""

    engine_problem: str = ""
    """Why no engine answers; empty where one does."""

    info: Mapping[str, Any] = field(default_factory=dict)
    """What the engine says of the host it runs on."""

    version: Mapping[str, Any] = field(default_factory=dict)
    """What the engine says of itself and its parts."""

    is_local: bool = False
    """Whether the engine runs on this very machine, so that what is read here holds there."""

    programs: Mapping[str, str] = field(default_factory=dict)
    """What runtimes and the GPU toolkit print as their version, by name."""

    image: str = ""
    """Tag of the image for the present inputs, if it is built."""

    image_problem: str = ""
    store: str = ""
    store_problem: str = ""
    """Why the folder for evaluations cannot be written; empty where it can."""

    store_free_bytes: int | None = None
    engine_free_bytes: int | None = None
    """Where the engine keeps images."""

    wheels_free_bytes: int | None = None
    """Where wheels lie while the image is built."""

    memory_available_bytes: int | None = None
    swap_bytes: int | None = None
    load_1min: float | None = None
    core_pattern: str = ""
    """What the kernel does with the memory of a process that crashes."""

    suid_dumpable: str = ""
    """Whether processes that have changed their uid may be dumped: ``0`` for never."""

    crun_is_profiled: bool = False
    """Whether AppArmor has a profile for crun itself; told to root alone."""

    file_max: int | None = None
    """How many files all programs but root's may have open together."""

    gpu_devices: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What the host is to be used for."""

    limits: Limits
    runtime: str | None = None
    """The container runtime to be used; the engine's own choice if None."""
