"""A container engine in memory that knows three programs: true, false and cat.

`tests/conformance/test_engine.py` holds it to what a real engine does.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from runner.engine.api import ContainerExit
from runner.engine.container_spec import LABEL, ContainerSpec
from runner.engine.info import EngineInfo
from runner.errors import HostNotReadyError, SandboxLostError

_EXIT_CODES = {"true": 0, "false": 1}


class FakeContainer:
    """A container that echoes (cat), or has ended at once (true, false)."""

    def __init__(self, program: str, remove: Callable[[str], None]) -> None:
        self.identity = uuid.uuid4().hex
        self.stderr = b""
        self._remove = remove
        self._ending = (
            ContainerExit(exit_code=_EXIT_CODES[program], oom_killed=False) if program != "cat" else None
        )
        self._echo: deque[bytes] = deque()
        self._closed = False

    def send(self, data: bytes | memoryview) -> None:
        """Echo it, as long as the container runs."""
        if self._ending is not None or self._closed:
            raise SandboxLostError("The container's stream broke while sending.")
        self._echo.append(bytes(data))

    def receive(self, seconds: float) -> bytes | None:
        """Return what is echoed, the end of the stream, or nothing."""
        if self._echo:
            return self._echo.popleft()
        return None if self._ending is not None else b""

    def kill(self) -> None:
        """End it as a kill does."""
        if self._ending is None:
            self._ending = ContainerExit(exit_code=137, oom_killed=False)

    def ending(self, seconds: float = 10.0) -> ContainerExit | None:
        """Return how it ended, if it has."""
        return self._ending

    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return self._ending is None

    def stood_still(self) -> bool:
        """Return whether it has ended."""
        return not self.is_running()

    def has_reached_memory_limit(self) -> bool | None:
        """Return None: it has no control group."""
        return None

    def memory_bytes(self) -> int | None:
        """Return None: it has no control group."""
        return None

    def remove(self) -> None:
        """Remove it from the engine."""
        self.kill()
        self._closed = True
        self._remove(self.identity)


class FakeImages:
    """Images by tag."""

    def __init__(self) -> None:
        self.by_tag: dict[str, str] = {}
        self.labels: dict[str, dict[str, str]] = {}
        """Labels of the images that were built, by tag."""

    def identity(self, tag: str) -> str | None:
        """Return the digest of an image."""
        return self.by_tag.get(tag)

    def facts(self, tag: str) -> dict[str, Any]:
        """Return facts of an image."""
        if tag not in self.by_tag:
            raise HostNotReadyError("The container engine does not answer (no such image); start it.")
        return {"size_bytes": 1, "created": "2026-01-01T00:00:00Z", "labels": dict(self.labels.get(tag, {}))}

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository."""
        return [tag for tag in self.by_tag if tag.partition(":")[0] == repository]

    def pull(self, repository: str, tag: str) -> bool:
        """Reach no registry."""
        return False

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Add a name."""
        self.by_tag[f"{repository}:{tag}"] = self.by_tag[image]

    def import_archive(self, archive: Path, repository: str, tag: str) -> None:
        """Create an image of any file."""
        self.by_tag[f"{repository}:{tag}"] = f"sha256:{uuid.uuid4().hex}"

    def build(
        self,
        *,
        context: IO[bytes],
        target: str,
        tag: str,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> None:
        """Create an image of any context."""
        self.by_tag[tag] = f"sha256:{uuid.uuid4().hex}"
        self.labels[tag] = dict(labels)

    def remove(self, tag: str) -> None:
        """Remove a name."""
        self.by_tag.pop(tag, None)

    def remove_dangling(self, labels: Mapping[str, str]) -> None:
        """Have none."""


class FakeEngine:
    """An engine in memory (`runner.engine.api.Engine`)."""

    def __init__(self, address: str = "", *, cores: int = 2) -> None:
        self.address = address
        self.images = FakeImages()
        self.started: dict[str, Mapping[str, str]] = {}
        """Labels of the containers that exist, by identity."""
        self._limits: dict[str, int] = {}
        self._info = EngineInfo(
            version="fake", runtimes=("runc",), default_runtime="runc", cores=cores, memory_bytes=1 << 34
        )

    def info(self) -> EngineInfo:
        """Return what a small host reports."""
        return self._info

    def start(self, spec: ContainerSpec) -> FakeContainer:
        """Start a program by its name."""
        if self.images.identity(spec.image) is None:
            raise HostNotReadyError("The image is not built; run: unlearn image build")
        if spec.cpus > self._info.cores:
            raise HostNotReadyError(f"This host has too few cores: {spec.cpus:g} are asked for.")
        container = FakeContainer(Path(spec.command[0]).name, self.remove)
        self.started[container.identity] = spec.labels
        self._limits[container.identity] = spec.memory_bytes
        return container

    def containers(self, labels: Mapping[str, str]) -> list[tuple[str, Mapping[str, str]]]:
        """Return the containers that carry all of ``labels``."""
        return [
            (identity, carried)
            for identity, carried in self.started.items()
            if LABEL in carried and labels.items() <= carried.items()
        ]

    def unused_memory_bytes(self) -> int:
        """Return the sum of the limits: its containers use nothing."""
        return sum(self._limits[identity] for identity in self.started)

    def remove(self, identity: str) -> None:
        """Forget a container."""
        self.started.pop(identity, None)
