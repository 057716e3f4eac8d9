"""A challenge small enough to read, and a container's stream that lives in memory."""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save

from runner.challenge import load as challenge_loader
from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, Visibility, render_description
from runner.challenge.layout import CHALLENGE_FILES, DESCRIPTION_FILE, REFERENCES_FILE
from runner.challenge.limits import Limits
from runner.challenge.training import Training
from runner.engine.api import ContainerExit
from sandbox.protocol.frames import Decoder, Frame, FrameRule
from sandbox.protocol.messages import TO_WORKER
from sandbox.protocol.splits import SPLITS

CLASSES = 2
REFERENCES = 3
FORGET_LABELS = np.array([0, 1, 1], dtype=np.int64)
NETWORK: dict[str, NDArray[Any]] = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bias": np.zeros(2, dtype=np.float32),
}


def npz(**arrays: NDArray[Any]) -> bytes:
    """Return arrays as the bytes of an npz file."""
    packed = io.BytesIO()
    np.savez(packed, **arrays)  # type: ignore[arg-type]
    return packed.getvalue()


def _split(name: str) -> bytes:
    labels = FORGET_LABELS if name == "forget" else np.array([0, 1], dtype=np.int64)
    first = 10 * SPLITS.index(name)
    images = np.arange(first, first + 4 * len(labels), dtype=np.float32).reshape(-1, 1, 2, 2)
    return save({"image": 100 * images + first, "label": labels, "image_id": first + np.arange(len(labels))})


class ChallengeFolder:
    """A challenge that is being put on disk, so that a test can put something else there."""

    def __init__(self, folder: Path) -> None:
        """Lay out valid files; the description is written by `describe`."""
        self.folder = folder
        self.write("public/original.safetensors", save(NETWORK))
        for name in ("retain", "forget", "val"):
            self.write(f"public/{name}.safetensors", _split(name))
        self.write("private/test.safetensors", _split("test"))
        self.write(
            REFERENCES_FILE,
            npz(
                logits=np.ones((REFERENCES, len(FORGET_LABELS), CLASSES), np.float32),
                correct=np.ones((REFERENCES, 4, CLASSES), np.int64),
                unseen_losses=np.ones((REFERENCES, 2), np.float32),
            ),
        )

    def write(self, name: str, data: bytes) -> None:
        """Put a file in place."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(data)

    def describe(self, limits: Limits | None = None, visibility: Visibility = "private") -> Path:
        """Write a description that fits the files, whatever they hold; return the folder."""
        description = Description(
            schema_version=1,
            name="tiny",
            recipe="digits",
            visibility=visibility,
            seed=0,
            forget_fraction=0.5,
            architecture="none",
            classes=CLASSES,
            item_format="tuple",
            batch_size=4,
            references=REFERENCES,
            image="0" * 64,
            limits=limits or Limits(),
            training=Training(epochs=1, batch_size=4, learning_rate=0.1, momentum=0.9, weight_decay=0.0),
            class_counts={"retain": [1, 1], "forget": [1, 2], "val": [1, 1], "test": [1, 1]},
            files={
                name: hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
                for name in CHALLENGE_FILES
            },
        )
        self.write(DESCRIPTION_FILE, render_description(description))
        return self.folder


@pytest.fixture
def challenge_folder(tmp_path: Path) -> ChallengeFolder:
    """Return a valid challenge on disk, without its description yet."""
    return ChallengeFolder(tmp_path / "tiny challenge")


@pytest.fixture
def load_challenge(challenge_folder: ChallengeFolder) -> Callable[[Limits], Challenge]:
    """Return a way to have the tiny challenge with limits of one's own."""
    return lambda limits: challenge_loader.load_challenge(challenge_folder.describe(limits))


Answer = tuple[float, bytes | None]
"""Seconds after which the container says something, and what; None is the end of the stream."""

Script = Callable[[Frame], Iterable[Answer]]
"""What the container says in answer to a frame of the host."""


class Clock:
    """A clock that moves only while somebody waits by it, however busy the machine is."""

    def __init__(self) -> None:
        """Begin at some moment."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time, in seconds."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        self.now += seconds


class FakeStream:
    """A container's stream whose other end is a script; keeps all that the host did."""

    def __init__(
        self,
        script: Script,
        *,
        ending: ContainerExit | None = None,
        stderr: bytes = b"",
        rules: Mapping[str, FrameRule] = TO_WORKER,
    ) -> None:
        """Answer each frame of the host as ``script`` says."""
        self._script, self._ending, self.stderr = script, ending, stderr
        self.clock = Clock()
        self._decoder = Decoder(rules)
        self._answers: deque[Answer] = deque()
        self.heard: list[Frame] = []
        self.running = True
        """What the engine says of it while it is silent."""
        self.killed = 0
        self.removed = 0

    def send(self, data: bytes | memoryview) -> None:
        """Take what the host writes; a host that breaks the rules of its own stream fails the test."""
        for frame in self._decoder.feed(data):
            self.heard.append(frame)
            now = self.clock()
            self._answers.extend((now + seconds, said) for seconds, said in self._script(frame))

    def receive(self, seconds: float) -> bytes | None:
        """Return the next answer once it is due, or b"" after ``seconds``."""
        deadline = self.clock() + seconds
        if self._answers and self._answers[0][0] <= deadline:
            due, said = self._answers[0]
            self.clock.wait(max(0.0, due - self.clock()))
            if said is not None:
                self._answers.popleft()
            return said
        self.clock.wait(seconds)
        return b""

    def kill(self) -> None:
        """Count it."""
        self.killed += 1

    def ending(self, seconds: float = 10.0) -> ContainerExit | None:
        """Return what the test says."""
        return self._ending

    def is_running(self) -> bool:
        """Return what the test says."""
        return self.running

    def remove(self) -> None:
        """Count it."""
        self.removed += 1

    def heard_of(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the fields of all frames of one kind that the host sent."""
        return [frame.fields for frame in self.heard if frame.kind == kind]


@pytest.fixture
def fake_stream() -> type[FakeStream]:
    """Return the class: importlib mode lets no test import its neighbour."""
    return FakeStream
