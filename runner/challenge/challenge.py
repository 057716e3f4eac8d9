"""TODO runner.challenge.challenge."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.challenge.description import Description
from runner.challenge.layout import (
    ARCHITECTURE_FILE,
    DESCRIPTION_FILE,
    ORIGINAL_FILE,
    REFERENCES_FILE,
    SPLIT_FILES,
)
from runner.challenge.outputs import NetworkOutputs, OutputShapes
from runner.errors import ConfigurationError
from runner.files import read_regular_file
from runner.parsers.safetensors import CheckpointSpec
from runner.units import MIB
from sandbox.protocol.jobs import ARCHITECTURE_BYTES

_FILE_BYTES: Final = 16384 * MIB
"""No file is longer: a trainer sends none that is (`sandbox.protocol.messages`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A challenge that was found whole."""

    folder: Path
    description: Description
    sha256: str
    """Of ``challenge.toml``, which holds the hash of every other file."""
    spec: CheckpointSpec
    """What a checkpoint must look like."""
    forget_labels: NDArray[np.int64]
    references: NetworkOutputs | None
    """None where they are held back."""
    architecture_source: str | None = None
    """The text of the organizer's own module: for containers alone, never imported here."""
    warnings: tuple[str, ...] = ()
    """Sentences on what is not wrong with the data but worth knowing."""

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
            ConfigurationError: the file cannot be read or is not what the description says.
        """
        return self.file(ORIGINAL_FILE if name == "original" else SPLIT_FILES[name])

    def file(self, name: str) -> bytes:
        """Return the bytes of a file, by its path in the folder.

        Raises:
            ConfigurationError: it cannot be read or is not what the description says.
        """
        return read_checked_file(self.folder, name, self.description)

    def run_seed(self, index: int) -> int:
        """Return the seed of a run: 63 bits that tell a run nothing of the challenge's seed.

        They are drawn from the index, the seed and the hash of the references: of the seed alone, a
        run could try all seeds until one gives its own. Where these are held back, they are drawn from
        the export's own hash, and are no seeds of the organizer's.
        """
        said = self.description
        if said.seed is None:
            source = self.sha256
        elif "visibility" in said.model_fields_set:
            source = f"{said.seed} {said.files[REFERENCES_FILE]}"
        else:  # an earlier version built it, and evaluations on it have begun with these
            source = str(said.seed)
        drawn = hashlib.sha256(f"run {source} {index}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") >> 1


def read_checked_file(folder: Path, name: str, description: Description) -> bytes:
    max_bytes = ARCHITECTURE_BYTES if name == ARCHITECTURE_FILE else _FILE_BYTES
    try:
        data = read_regular_file(folder / name, max_bytes=max_bytes)
    except OSError as error:
        raise ConfigurationError(f"The challenge at {folder} is incomplete: {error}.") from error
    if hashlib.sha256(data).hexdigest() != description.files.get(name):
        raise ConfigurationError(f"{folder / name} is not the file that {DESCRIPTION_FILE} describes.")
    return data
