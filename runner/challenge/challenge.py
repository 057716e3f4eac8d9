"""The challenge as a value: everything that other packages need of a checked challenge."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.challenge.build_facts import BuildFacts
from runner.challenge.description import Description
from runner.challenge.layout import (
    ARCHITECTURE_FILE,
    DESCRIPTION_FILE,
    ORIGINAL_FILE,
    SPLIT_FILES,
)
from runner.challenge.outputs import NetworkOutputs, OutputShapes
from runner.challenge.seeds import derive_run_seed
from runner.errors import ConfigurationError
from runner.files import read_regular_file
from runner.parsers.safetensors import CheckpointSpec
from runner.units import MIB
from sandbox.protocol.jobs import ARCHITECTURE_BYTES

_FILE_BYTES: Final = 16384 * MIB
"""Maximum size of a file: a trainer sends none that is larger (`sandbox.protocol.messages`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A challenge whose files are all present and checked."""

    folder: Path
    description: Description
    sha256: str
    """Of ``challenge.toml``, which contains the hash of every other file."""
    spec: CheckpointSpec
    """Requirements on a checkpoint."""
    forget_labels: NDArray[np.int64]
    references: NetworkOutputs | None
    """None where they are held back."""
    architecture_source: str | None = None
    """The text of the organizer's own module: only for containers, never imported here."""
    build_facts: BuildFacts = field(default_factory=BuildFacts)
    """Observations of its build, for people only."""
    warnings: tuple[str, ...] = ()
    """Sentences about properties of the data that are allowed but worth knowing."""

    @property
    def output_shapes(self) -> OutputShapes:
        """Return the sizes of a network's outputs on this challenge."""
        return OutputShapes(
            examples=len(self.forget_labels),
            classes=self.description.classes,
            unseen=sum(self.description.class_counts.get("test", ())),
        )

    def with_limits(self, **changes: Any) -> Challenge:  # noqa: ANN401 - validated by `Limits`
        """Return the challenge with some limits changed (`Limits.with_changes`); its hash stays the same.

        Raises:
            ValidationError: a limit is not valid.
        """
        limits = self.description.limits.with_changes(**changes)
        return replace(self, description=self.description.model_copy(update={"limits": limits}))

    def data(self, name: str) -> bytes:
        """Return the bytes of a split or of the original network.

        Raises:
            ConfigurationError: the file cannot be read, or does not match the description.
        """
        return self.file(ORIGINAL_FILE if name == "original" else SPLIT_FILES[name])

    def file(self, name: str) -> bytes:
        """Return the bytes of a file, by its path in the folder.

        Raises:
            ConfigurationError: it cannot be read, or does not match the description.
        """
        return read_checked_file(self.folder, name, self.description)

    def run_seed(self, index: int) -> int:
        """Return the seed of a run (`runner.challenge.seeds.derive_run_seed`)."""
        return derive_run_seed(self.description, self.sha256, index)


def read_checked_file(folder: Path, name: str, description: Description) -> bytes:
    """Return the bytes of a challenge's file whose hash is the description's.

    Raises:
        ConfigurationError: the file cannot be read, is too large, or has another hash.
    """
    max_bytes = ARCHITECTURE_BYTES if name == ARCHITECTURE_FILE else _FILE_BYTES
    try:
        data = read_regular_file(folder / name, max_bytes=max_bytes)
    except OSError as error:
        raise ConfigurationError(f"The challenge at {folder} is incomplete: {error}.") from error
    if hashlib.sha256(data).hexdigest() != description.files.get(name):
        raise ConfigurationError(f"{folder / name} is not the file that {DESCRIPTION_FILE} describes.")
    return data
