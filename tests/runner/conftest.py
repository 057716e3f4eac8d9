"""A challenge small enough to read."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save

from runner.challenge import load as challenge_loader
from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, Visibility, render_description
from runner.challenge.layout import (
    CHALLENGE_FILES,
    DESCRIPTION_FILE,
    PROBES_FILE,
    REFERENCES_FILE,
    SPLIT_FILES,
)
from runner.challenge.limits import Limits
from runner.challenge.probes import ProbeSettings, ReferenceProbes, probe_shapes, sample_labels
from runner.challenge.training import Training
from sandbox.protocol.splits import SPLITS
from tests.support.npy import npz

CLASSES = 2
REFERENCES = 3
FORGET_LABELS = np.array([0, 1, 1], dtype=np.int64)
NETWORK: dict[str, NDArray[Any]] = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bias": np.zeros(2, dtype=np.float32),
}


def _split(name: str) -> bytes:
    labels = FORGET_LABELS if name == "forget" else np.array([0, 1], dtype=np.int64)
    first = 10 * SPLITS.index(name)
    images = np.arange(first, first + 4 * len(labels), dtype=np.float32).reshape(-1, 1, 2, 2)
    return save({"image": 100 * images + first, "label": labels, "image_id": first + np.arange(len(labels))})


class ChallengeFolder:
    """A challenge on disk, in which a test can replace files."""

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

    def write_probes(self, settings: ProbeSettings) -> None:
        """Write probes of the references, numbered so that each value is another."""
        sizes = {"retain": 2, "test": 2}
        shapes = probe_shapes(settings, examples=len(FORGET_LABELS), classes=CLASSES, sizes=sizes)
        arrays = {
            kind: np.arange(REFERENCES * math.prod(shape), dtype=np.float32).reshape(REFERENCES, *shape)
            for kind, shape in shapes.items()
        }
        probes = ReferenceProbes(
            arrays=arrays,
            labels=sample_labels(settings, lambda split: (self.folder / SPLIT_FILES[split]).read_bytes()),
            original_logits=np.full((len(FORGET_LABELS), CLASSES), 7, np.float32),
            mislabelled=np.array([False, True, False]),
        )
        self.write(PROBES_FILE, probes.to_bytes())

    def describe(
        self,
        limits: Limits | None = None,
        visibility: Visibility = "private",
        probes: ProbeSettings | None = None,
    ) -> Path:
        """Write a description that matches the files, whatever their content; return the folder.

        With probes, those of the references must have been written.
        """
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
                for name in (*CHALLENGE_FILES, *([PROBES_FILE] if probes is not None else []))
            },
            probes=probes,
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
