"""The protocols of a container engine: what the rest of the project calls.

`runner.engine.docker_engine.DockerEngine` implements them over Docker's API, which Podman offers too.
Another engine, such as Kubernetes, implements these protocols and translates `ContainerSpec` itself; the
suite in ``tests/conformance/`` checks an implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from runner.engine.container_spec import ContainerSpec
from runner.engine.info import EngineInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerExit:
    """How the engine reports that a container ended. Not to be believed on its own."""

    exit_code: int
    oom_killed: bool
    """Whether the kernel killed processes in it for memory, as far as is known for its own use of it."""


class Stream(Protocol):
    """The streams of a started container: bytes in on its stdin, bytes out of its stdout."""

    @property
    def stderr(self) -> bytes:
        """Return the end of what it wrote to stderr."""

    def send(self, data: bytes | memoryview) -> None:
        """Write to its stdin.

        Raises:
            SandboxLostError: the stream is closed.
        """

    def receive(self, seconds: float) -> bytes | None:
        """Return what came on its stdout; None at the end of the stream, b"" after ``seconds``.

        Raises:
            SandboxLostError: the connection to the engine broke.
        """

    def kill(self) -> None:
        """End all of its processes at once; no error if it has ended already."""

    def ending(self, seconds: float = 10.0) -> ContainerExit | None:
        """Return how it ended; None if it has not after ``seconds``, or if that is not known."""

    def is_running(self) -> bool:
        """Return whether the engine answers and reports that it runs, and is not paused."""

    def stood_still(self) -> bool:
        """Return whether nothing in it is executed: paused, frozen, ended, or out of the engine's reach.

        Takes a moment, in which a worker or an evaluator that goes on uses some processor time.
        """

    def has_reached_memory_limit(self) -> bool | None:
        """Return whether its memory use has come up to its limit so far; None if the engine cannot tell."""

    def processes_ran_short(self) -> bool:
        """Return whether a group around it had no room for a process that it may have, since it started."""

    def memory_bytes(self) -> int | None:
        """Return how much memory it uses at the moment, without file cache; None if that is not known."""

    def memory_reports(self) -> int:
        """Return how often the engine was told that it had no memory left, as far as kills do not tell."""

    def cpu_seconds(self) -> float | None:
        """Return how much processor time it has used; None if that is not known at once."""

    def remove(self) -> None:
        """Remove it, running or not, and close the stream; no error if it is removed already."""


class Container(Stream, Protocol):
    """A started container, which the engine knows by a name."""

    @property
    def identity(self) -> str:
        """Return the engine's name of it."""


class Images(Protocol):
    """The images of an engine."""

    def identity(self, tag: str) -> str | None:
        """Return the engine's own digest of an image, or None if there is no such image."""

    def facts(self, tag: str) -> dict[str, Any]:
        """Return what the engine knows of an image that exists.

        ``size_bytes``, ``created`` and ``labels``; ``architecture``, as in ``amd64``; ``names``, all tags and
        references by digest; ``config``, the digest of its configuration, which holds on every machine and
        covers all of its content, or "" where the engine does not report it.
        """

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository's images."""

    def pull(self, repository: str, tag: str) -> bool:
        """Fetch an image from a registry; return False where none is reachable or has it."""

    def fetch(self, reference: str, on_line: Callable[[str], None]) -> None:
        """Fetch the image that a reference names, by tag or digest, from its registry.

        Raises:
            HostNotReadyError: the registry is not reachable, or refuses.
        """

    def push(self, name: str, on_line: Callable[[str], None]) -> str:
        """Send the image of this name to the registry in the name, and return its digest there.

        Raises:
            HostNotReadyError: the registry is not reachable, or refuses.
        """

    def save(self, tag: str) -> Iterator[bytes]:
        """Yield the pieces of a tar with an image and its name.

        Raises:
            HostNotReadyError: the engine has no such image, or the connection broke.
        """

    def load(self, archive: IO[bytes]) -> None:
        """Take over the images and names of a tar that `save` wrote.

        Raises:
            HostNotReadyError: the engine refuses it.
        """

    def folder_archive(self, image: str, path: str, *, max_bytes: int, labels: Mapping[str, str]) -> bytes:
        """Return a folder of an image as a tar; nothing of the image is executed.

        Args:
            image: A name of it.
            path: Of the folder.
            max_bytes: Of the tar.
            labels: Of this process's containers, for an engine that needs one to read from.

        Raises:
            HostNotReadyError: it has no such folder, or the folder is larger than ``max_bytes``.
        """

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Add a name to an image."""

    def import_archive(self, archive: Path, repository: str, tag: str) -> None:
        """Create an image of one layer from a tar of a root file system.

        Raises:
            HostNotReadyError: the engine refuses it.
        """

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
        """Build one target of a Dockerfile that lies in a tar stream, without any network.

        Raises:
            HostNotReadyError: with the last line that the build printed.
        """

    def remove(self, tag: str) -> None:
        """Remove a name of an image, and the image with its last name; no error if that cannot be done."""

    def remove_dangling(self, labels: Mapping[str, str]) -> None:
        """Remove the nameless images that carry all of ``labels``: stages of a finished build."""


class Engine(Protocol):
    """A container engine that answers. Every call raises HostNotReadyError where it does not."""

    @property
    def address(self) -> str:
        """Return its address; containers of engines with different addresses are never confused."""

    @property
    def images(self) -> Images:
        """Return its images."""

    def __hash__(self) -> int:
        """Return a hash of this connection, so that it can be the key of a cache."""

    def info(self) -> EngineInfo:
        """Ask what it reports about itself and its host."""

    def start(self, spec: ContainerSpec) -> Container:
        """Create, attach to and start a container.

        Raises:
            SandboxStartError: the engine refuses or does not answer; nothing is left behind.
            HostNotReadyError: the image is missing, or the host has fewer cores than requested.
        """

    def containers(self, labels: Mapping[str, str]) -> list[tuple[str, Mapping[str, str]]]:
        """Return identity and labels of this project's containers that carry all of ``labels``."""

    def unused_memory_bytes(self) -> int:
        """Return what this project's running containers may still use, up to their limits, and do not yet."""

    def remove(self, identity: str) -> None:
        """Remove a container by its identity, running or not."""


@contextmanager
def running(engine: Engine, spec: ContainerSpec) -> Iterator[Container]:
    """Start a container and remove it at the end, whatever happens meanwhile."""
    container = engine.start(spec)
    try:
        yield container
    finally:
        container.remove()
