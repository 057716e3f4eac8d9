"""A container engine in memory that knows three programs (true, false and cat), and a registry for its images.

`tests/conformance/test_engine.py` holds it to what a real engine does.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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

    def processes_ran_short(self) -> bool:
        """Return False: it has no control group."""
        return False

    def memory_reports(self) -> int:
        """Return 0."""
        return 0

    def cpu_seconds(self) -> float | None:
        """Return None."""
        return None

    def memory_bytes(self) -> int | None:
        """Return None: it has no control group."""
        return None

    def remove(self) -> None:
        """Remove it from the engine."""
        self.kill()
        self._closed = True
        self._remove(self.identity)


@dataclass
class FakeImage:
    """What an engine knows of an image, and what its folders hold."""

    identity: str
    labels: dict[str, str] = field(default_factory=dict)
    architecture: str = "amd64"
    files: dict[str, bytes] = field(default_factory=dict)
    """Below /opt/unlearn."""


def new_image(
    labels: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
    architecture: str = "amd64",
) -> FakeImage:
    """Return an image with an identity of its own."""
    identity = f"sha256:{hashlib.sha256(uuid.uuid4().bytes).hexdigest()}"
    return FakeImage(identity, dict(labels or {}), architecture, dict(files or {}))


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """Return files as a tar."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


class FakeImages:
    """Images by tag."""

    def __init__(self) -> None:
        self.by_tag: dict[str, FakeImage] = {}
        self.by_digest: dict[str, FakeImage] = {}
        """References of images that were pulled."""
        self.dangling: list[FakeImage] = []
        """Images whose name another one got."""
        self.registry: dict[str, FakeImage] = {}
        """What registries hold, by tag and by digest."""

    def _image(self, name: str) -> FakeImage | None:
        images = (*self.dangling, *self.by_tag.values(), *self.by_digest.values())
        by_identity = {image.identity: image for image in images}
        return self.by_tag.get(name) or self.by_digest.get(name) or by_identity.get(name)

    def _existing(self, name: str) -> FakeImage:
        image = self._image(name)
        if image is None:
            raise HostNotReadyError("The container engine does not answer (no such image); start it.")
        return image

    def identity(self, tag: str) -> str | None:
        """Return the digest of an image."""
        image = self._image(tag)
        return image.identity if image else None

    def facts(self, tag: str) -> dict[str, Any]:
        """Return facts of an image."""
        image = self._existing(tag)
        names = [name for names in (self.by_tag, self.by_digest) for name in names if names[name] is image]
        return {
            "size_bytes": 1,
            "created": "2026-01-01T00:00:00Z",
            "labels": dict(image.labels),
            "architecture": image.architecture,
            "names": names,
            "config": image.identity,
        }

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository."""
        return [tag for tag in self.by_tag if tag.rpartition(":")[0] == repository]

    def pull(self, repository: str, tag: str) -> bool:
        """Reach no registry."""
        return False

    def fetch(self, reference: str, on_line: Callable[[str], None]) -> None:
        """Fetch from the registry in memory."""
        if reference not in self.registry:
            raise HostNotReadyError(f"{reference} could not be pulled: manifest unknown.")
        (self.by_digest if "@" in reference else self.by_tag)[reference] = self.registry[reference]

    def push(self, name: str, on_line: Callable[[str], None]) -> str:
        """Send to the registry in memory."""
        image = self._existing(name)
        digest = f"sha256:{hashlib.sha256(image.identity.encode()).hexdigest()}"
        self.registry[name] = self.registry[f"{name.rpartition(':')[0]}@{digest}"] = image
        return digest

    def save(self, tag: str) -> Iterator[bytes]:
        """Yield a tar with the image's name; `load` of the same object knows the rest."""
        image = self._existing(tag)
        manifest = json.dumps([{"Config": image.identity, "RepoTags": [tag], "Layers": []}]).encode()
        content = {"labels": image.labels, "architecture": image.architecture}
        files = {f"files/{name}": data for name, data in image.files.items()}
        yield tar_of({"manifest.json": manifest, "content.json": json.dumps(content).encode(), **files})

    def load(self, archive: IO[bytes]) -> None:
        """Take over the image of a tar that `save` wrote."""
        with tarfile.open(fileobj=archive, mode="r:") as tar:
            files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
            data = {name: file.read() for name, file in files.items() if file is not None}
        (manifest,) = json.loads(data["manifest.json"])
        content = json.loads(data["content.json"])
        image = FakeImage(
            identity=manifest["Config"],
            labels=content["labels"],
            architecture=content["architecture"],
            files={
                name.removeprefix("files/"): each for name, each in data.items() if name.startswith("files/")
            },
        )
        for tag in manifest["RepoTags"]:
            self.dangling += [self.by_tag[tag]] if tag in self.by_tag else []
            self.by_tag[tag] = image

    def folder_archive(self, image: str, path: str, *, max_bytes: int, labels: Mapping[str, str]) -> bytes:
        """Return all files of an image below a folder's own name, whichever folder it is."""
        name = Path(path).name
        files = {f"{name}/{file}": data for file, data in self._existing(image).files.items()}
        if not files:
            raise HostNotReadyError(f"{path} of the image could not be read: no such file.")
        archive = tar_of(files)
        if len(archive) > max_bytes:
            raise HostNotReadyError(f"{path} of the image is larger than {max_bytes} bytes.")
        return archive

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Add a name."""
        self.by_tag[f"{repository}:{tag}"] = self._existing(image)

    def import_archive(self, archive: Path, repository: str, tag: str) -> None:
        """Create an image of any file."""
        self.by_tag[f"{repository}:{tag}"] = new_image()

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
        """Create an image of any context; the files of its ``sandbox/`` are in it."""
        files = {}
        with contextlib.suppress(tarfile.ReadError), tarfile.open(fileobj=context, mode="r|") as tar:
            for member in tar:
                file = tar.extractfile(member) if member.name.startswith("sandbox/") else None
                if file is not None:
                    files[member.name] = file.read()
        self.by_tag[tag] = new_image(labels, files)

    def remove(self, tag: str) -> None:
        """Remove a name."""
        self.by_tag.pop(tag, None)
        self.by_digest.pop(tag, None)

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
            version="fake",
            runtimes=("runc",),
            default_runtime="runc",
            cores=cores,
            memory_bytes=1 << 34,
            architecture="x86_64",
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
