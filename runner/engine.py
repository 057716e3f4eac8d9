"""The container engine: the one place that talks to Docker.

Low-level calls with bounded times throughout: the high-level client inspects every
container when it lists them and hangs with the first one that does.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import docker
import docker.errors
import docker.utils
import requests.exceptions
from docker.context import ContextAPI

from runner.errors import HostNotReadyError, SandboxLostError, SandboxStartError
from runner.options import LABEL, ContainerSpec
from runner.podman import for_podman, is_podman, short_name

_CALL_SECONDS: Final = 60
_PULL_SECONDS: Final = 900
_STREAM_HEAD: Final = struct.Struct(">BxxxI")
_STDOUT, _STDERR = 1, 2
_READ_BYTES: Final = 1 << 20
_STDERR_KEPT_BYTES: Final = 1 << 16

_NO_ANSWER: Final = "The container engine does not answer ({}); start it, and repeat the command."

_TROUBLE: Final = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the engine says that a container ended. Not to be believed on its own."""

    exit_code: int
    oom_killed: bool


class Container:
    """A started container: bytes in on its stdin, bytes out of its stdout."""

    def __init__(self, api: docker.APIClient, identity: str, stream: Any) -> None:  # noqa: ANN401 - docker-py's socket has no type
        """Wrap an attached container."""
        self._api, self.identity, self._stream = api, identity, stream
        self._socket: socket.socket = getattr(stream, "_sock", stream)
        self._buffer = bytearray()
        self._part: tuple[int, int] | None = None
        self._stderr = bytearray()
        self._socket.settimeout(_CALL_SECONDS)

    @property
    def stderr(self) -> bytes:
        """Return the end of what the container's own programs complained of."""
        return bytes(self._stderr)

    def send(self, data: bytes | memoryview) -> None:
        """Write to the container's stdin, waiting for it to be taken.

        Raises:
            SandboxLostError: the stream is gone.
        """
        try:
            self._socket.settimeout(_CALL_SECONDS)
            self._socket.sendall(data)
        except OSError as error:
            raise SandboxLostError(f"The container's stream broke while sending: {error}.") from error

    def receive(self, seconds: float) -> bytes | None:
        """Return what came on stdout: None at the end of the stream, b"" after ``seconds``.

        Raises:
            SandboxLostError: the connection to the engine broke.
        """
        deadline = time.monotonic() + seconds
        while True:
            data = self._next_part()
            if data:
                return data
            try:
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                arrived = self._socket.recv(_READ_BYTES)
            except TimeoutError:
                return b""
            except OSError as error:
                raise SandboxLostError(f"The connection to the engine broke: {error}.") from error
            if not arrived:
                return None
            self._buffer += arrived

    def _next_part(self) -> bytes:
        """Take the engine's multiplexing off; keep the end of stderr aside."""
        out = bytearray()
        while self._buffer:
            if self._part is None:
                if len(self._buffer) < _STREAM_HEAD.size:
                    break
                self._part = _STREAM_HEAD.unpack_from(self._buffer)
                del self._buffer[: _STREAM_HEAD.size]
            channel, left = self._part
            data = self._buffer[:left]
            del self._buffer[:left]
            if channel == _STDOUT:
                out += data
            elif channel == _STDERR:
                self._stderr += data
                del self._stderr[:-_STDERR_KEPT_BYTES]
            self._part = (channel, left - len(data)) if len(data) < left else None
        return bytes(out)

    def kill(self) -> None:
        """End every process of the container at once; no error if it has ended already.

        Its stream ends with it, also for a thread that is writing: the engine would go on waiting for a
        reader that is no more.
        """
        with contextlib.suppress(*_TROUBLE):
            self._api.kill(self.identity)
        with contextlib.suppress(*_TROUBLE):
            self._socket.shutdown(socket.SHUT_RDWR)

    def ending(self, seconds: float = 10.0) -> Ending | None:
        """Return how it ended, or None if it has not after ``seconds`` or nobody knows."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                state = self._api.inspect_container(self.identity)["State"]
            except _TROUBLE:
                return None
            if not state["Running"]:
                return Ending(exit_code=int(state["ExitCode"]), oom_killed=bool(state["OOMKilled"]))
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)

    def is_running(self) -> bool:
        """Return whether the engine answers and says that it runs, and is not paused."""
        try:
            state = self._api.inspect_container(self.identity)["State"]
        except _TROUBLE:
            return False
        return bool(state["Running"]) and not state.get("Paused", False)

    def remove(self) -> None:
        """Remove the container, running or not, and close the stream.

        First the answer that the stream came by, where docker-py keeps it there: from 3.13 on, Python
        complains on stderr of one that is collected after its socket was closed under it.
        """
        for closing in (getattr(self._stream, "_response", None), self._stream):
            if closing is not None:
                with contextlib.suppress(*_TROUBLE):
                    closing.close()
        with contextlib.suppress(*_TROUBLE):
            self._socket.close()
        with contextlib.suppress(*_TROUBLE):
            self._api.remove_container(self.identity, force=True, v=True)


class Engine:
    """A container engine that answers."""

    def __init__(self) -> None:
        """Connect as the docker command would: ``DOCKER_HOST`` first, then the current context.

        Raises:
            HostNotReadyError: no engine answers.
            EngineForbiddenError: one is there that this user may not reach.
        """
        try:
            self._api = _client(_CALL_SECONDS)
            self.version = self._api.version()
        except _TROUBLE as error:
            if _is_forbidden(error):
                raise EngineForbiddenError from error
            raise HostNotReadyError(
                f"No container engine answers ({_cause(error)}); start Docker, or run: make setup"
            ) from error
        self.is_podman = is_podman(self.version)
        self.address = _address()

    def describe(self) -> dict[str, str]:
        """Return what this engine is, for records."""
        with _answering():
            info = self._api.info()
        return {
            "engine": str(self.version.get("Version", "?")),
            "runtime": str(info.get("DefaultRuntime", "?")),
            "cgroup": str(info.get("CgroupVersion", "?")),
            "cores": str(info.get("NCPU", "?")),
        }

    def info(self) -> Mapping[str, Any]:
        """Return all that the engine says of itself and its host."""
        with _answering():
            found: Mapping[str, Any] = self._api.info()
        return found

    def machine(self) -> dict[str, str]:
        """Return what tells the engine's machine from others, and stays when it starts anew."""
        with _answering():
            info = self._api.info()
        wanted = {"engine": "ID", "name": "Name", "architecture": "Architecture", "cores": "NCPU"}
        return {name: str(info.get(key, "?")) for name, key in wanted.items()}

    def cores(self) -> int:
        """Return the number of cores that containers can use."""
        with _answering():
            return int(self._api.info()["NCPU"])

    def start(self, spec: ContainerSpec) -> Container:
        """Create, attach to and start a container.

        Raises:
            SandboxStartError: the engine refuses or does not answer; nothing is left behind.
            HostNotReadyError: the image is missing, or the host has fewer cores than are asked for.
        """
        identity, stream = "", None
        if self.is_podman:
            spec = for_podman(spec)
        try:
            identity = self._api.create_container(
                image=spec.image,
                command=list(spec.command),
                user=spec.user,
                environment=spec.environment,
                labels=spec.labels,
                host_config=spec.host_config,
                hostname="sandbox",
                working_dir="/",
                entrypoint=[],
                stdin_open=True,
                network_disabled=True,
            )["Id"]
            wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
            stream = self._api.attach_socket(identity, params=wanted)
            self._api.start(identity)
        except _TROUBLE as error:
            if stream is not None:
                Container(self._api, identity, stream).remove()
            elif identity:
                self.remove(identity)
            if isinstance(error, docker.errors.ImageNotFound):
                raise HostNotReadyError("The image is not built; run: unlearn image build") from error
            if "range of cpus" in str(error).lower():
                raise HostNotReadyError(f"This host has too few cores: {_cause(error)}.") from error
            raise SandboxStartError(f"A container could not be started: {_cause(error)}.") from error
        return Container(self._api, identity, stream)

    def containers(self, labels: Mapping[str, str]) -> list[tuple[str, Mapping[str, str]]]:
        """Return identity and labels of our containers that carry all of ``labels``."""
        wanted = [LABEL, *(f"{name}={value}" for name, value in labels.items())]
        with _answering():
            found = self._api.containers(all=True, filters={"label": wanted})
        return [(one["Id"], one["Labels"]) for one in found]

    def remove(self, identity: str) -> None:
        """Remove a container by name, running or not."""
        with contextlib.suppress(*_TROUBLE):
            self._api.remove_container(identity, force=True, v=True)

    def image_identity(self, tag: str) -> str | None:
        """Return the engine's own digest of an image, or None if there is no such image."""
        try:
            return str(self._api.inspect_image(tag)["Id"])
        except docker.errors.ImageNotFound:
            return None
        except _TROUBLE as error:
            raise HostNotReadyError(_NO_ANSWER.format(_cause(error))) from error

    def image_facts(self, tag: str) -> dict[str, Any]:
        """Return size, creation time and labels of an image that is there."""
        with _answering():
            found = self._api.inspect_image(tag)
        labels = found.get("Config", {}).get("Labels") or {}
        return {"size_bytes": found["Size"], "created": found["Created"], "labels": labels}

    def pull(self, repository: str, tag: str) -> bool:
        """Fetch an image from a registry; return False where none is reachable or has it."""
        try:
            for event in _client(_PULL_SECONDS).pull(repository, tag=tag, stream=True, decode=True):
                if "error" in event:
                    return False
        except _TROUBLE:
            return False
        return True

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Give an image another name."""
        with _answering():
            self._api.tag(image, repository, tag)

    def import_archive(self, archive: Path, repository: str, tag: str) -> None:
        """Make an image of one layer from a tar of a root file system.

        Raises:
            HostNotReadyError: the engine refuses it.
        """
        try:
            answer = _client(_PULL_SECONDS).import_image_from_file(str(archive), repository, tag)
        except _TROUBLE as error:
            raise HostNotReadyError(f"The base image was refused: {_cause(error)}.") from error
        for line in str(answer).splitlines():
            if "error" in (event := json.loads(line)):
                raise HostNotReadyError(f"The base image was refused: {event['error']}.")

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
        try:
            for line in self._build_lines(context, target, tag, arguments, labels):
                on_line(line)
        except _TROUBLE as error:
            raise HostNotReadyError(f"The image could not be built: {_cause(error)}.") from error

    def _build_lines(
        self,
        context: IO[bytes],
        target: str,
        tag: str,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
    ) -> Iterator[str]:
        events = _client(_PULL_SECONDS).build(
            fileobj=context,
            custom_context=True,
            target=target,
            tag=tag,
            buildargs=dict(arguments),
            labels=dict(labels),
            network_mode="none",
            rm=True,
            forcerm=True,
            decode=True,
        )
        for event in events:
            if "error" in event:
                raise HostNotReadyError(f"The image could not be built: {str(event['error']).strip()}")
            if text := str(event.get("stream", "")).strip():
                yield text

    def remove_image(self, tag: str) -> None:
        """Remove an image; no error if it is in use or not there."""
        with contextlib.suppress(*_TROUBLE):
            self._api.remove_image(tag, noprune=False)

    def remove_dangling(self, labels: Mapping[str, str]) -> None:
        """Remove the nameless images that carry all of ``labels``: stages of a finished build."""
        wanted = [f"{name}={value}" for name, value in labels.items()]
        with contextlib.suppress(*_TROUBLE):
            for found in self._api.images(filters={"dangling": True, "label": wanted}):
                self._api.remove_image(found["Id"])

    def images(self, repository: str) -> list[str]:
        """Return the tags of a repository's images."""
        with _answering():
            found = self._api.images(name=repository)
        return [short_name(tag) for image in found for tag in image.get("RepoTags") or []]


class EngineForbiddenError(HostNotReadyError):
    """An engine is there, for others."""

    def __init__(self) -> None:
        super().__init__(
            "A container engine is there, but your user may not use it; let its administrator add you to the "
            "group docker (whose members can become root), and log in again."
        )


def _is_forbidden(error: BaseException) -> bool:
    return any(isinstance(one, PermissionError) for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came of."""
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__


def answers() -> bool:
    """Return whether an engine answers at all."""
    try:
        Engine()
    except HostNotReadyError:
        return False
    return True


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except _TROUBLE as error:
        raise HostNotReadyError(_NO_ANSWER.format(_cause(error))) from error


def _address() -> str:
    """Return where the engine is that commands of now talk to; empty: where engines usually are."""
    if host := os.environ.get("DOCKER_HOST"):
        return host
    context = ContextAPI.get_current_context()
    return str(context.Host or "") if context is not None else ""


def _client(seconds: int) -> docker.APIClient:
    if os.environ.get("DOCKER_HOST"):
        return docker.APIClient(timeout=seconds, **docker.utils.kwargs_from_env())
    context = ContextAPI.get_current_context()
    if context is None or not context.Host:
        return docker.APIClient(timeout=seconds)
    return docker.APIClient(base_url=context.Host, tls=context.TLSConfig or False, timeout=seconds)


def _cause(error: BaseException) -> str:
    """Return in a few words what the engine said, or what the system said of reaching it."""
    if isinstance(error, requests.exceptions.ConnectionError):
        for one in reversed(list(_chain(error))):
            if isinstance(one, OSError) and isinstance(one.strerror, str):
                return one.strerror.lower()
    text = str(getattr(error, "explanation", None) or error)
    return " ".join(text.split())[:300].rstrip(".")
