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
    PROBES_FILE,
    SPLIT_FILES,
)
from runner.challenge.outputs import NetworkOutputs, OutputShapes
from runner.challenge.probes import ReferenceProbes, probe_shapes, unpack_reference_probes
from runner.challenge.seeds import derive_run_seed
from runner.errors import ConfigurationError
from runner.files import hash_file, read_regular_file
from runner.parsers.npz import ArraysError
from runner.parsers.safetensors import CheckpointSpec
from runner.sanitize import sanitize_line
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
        description, counts = self.description, self.description.class_counts
        examples, classes = len(self.forget_labels), description.classes
        sizes = {split: sum(of_split) for split, of_split in counts.items()}
        return OutputShapes(
            examples=examples,
            classes=classes,
            unseen=sizes.get("test", 0),
            probes=probe_shapes(description.probes, examples=examples, classes=classes, sizes=sizes),
        )

    def reference_probes(self) -> ReferenceProbes | None:
        """Return the probes of the references; None where no probes are recorded.

        Raises:
            ConfigurationError: the file cannot be read, does not match the description, or is damaged.
        """
        if self.description.probes is None:
            return None
        try:
            return unpack_reference_probes(
                self.file(PROBES_FILE), self.output_shapes, self.description.references
            )
        except ArraysError as error:
            raise ConfigurationError(
                f"{self.folder / PROBES_FILE} cannot be used: {sanitize_line(str(error))}; build the "
                "challenge again."
            ) from error

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


def check_file(folder: Path, name: str, description: Description) -> None:
    """Check the hash of a file that is too large to be read before it is needed.

    Raises:
        ConfigurationError: the file cannot be read, or has another hash.
    """
    try:
        digest = hash_file(folder / name)
    except OSError as error:
        raise ConfigurationError(f"The challenge at {folder} is incomplete: {error}.") from error
    if digest != description.files.get(name):
        raise ConfigurationError(f"{folder / name} is not the file that {DESCRIPTION_FILE} describes.")
