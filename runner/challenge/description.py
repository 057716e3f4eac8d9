"""The description of a challenge: the fields of ``challenge.toml``, checked; reading and writing its text.

Nothing else on disk is touched here: `runner.challenge.load` loads the files that the description names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, model_validator

from runner.challenge.layout import ARCHITECTURE_FILE, PROBES_FILE, PUBLIC_SPLITS, public_files
from runner.challenge.limits import StatedLimits
from runner.challenge.probes import ProbeSettings
from runner.challenge.training import Training, TrainingChoice
from runner.parsers.toml import read_toml
from runner.validation import Sha256, parse_toml
from sandbox.protocol.jobs import FILE_ARCHITECTURE
from sandbox.protocol.splits import SPLITS

Feedback = Literal["full", "verdict-only"]
Visibility = Literal["public", "private"]
RunDevice = Literal["cpu", "cuda"]

SCHEMA_VERSION: Final = 1
MAX_CONTROLS: Final = 20
"""Of control problems; each costs as much as the challenge."""
PlatformName = Annotated[str, Field(pattern=r"^linux/[a-z0-9]{1,20}$")]
ImageDigest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
ImageReference = Annotated[
    str, Field(pattern=r"^[a-zA-Z0-9\[][a-zA-Z0-9._:/\[\]-]{0,300}@sha256:[0-9a-f]{64}$")
]
"""The name of an image in a registry, by digest: never by a tag, which can be moved."""
FileName = Annotated[str, Field(pattern=r"^(public|private)/[a-z_]+\.[a-z]+$")]
"""A file of a challenge is in one of two folders; its name cannot point anywhere else."""


class Source(BaseModel):
    """Input of a recipe besides seed and fraction; a missing field was left to the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_sha256: Sha256 | None = None
    """Of the organizer's files, names and contents (`runner.builder.data_files`)."""
    most_examples: Annotated[int, Field(ge=1)] | None = None
    """Maximum number of examples, all splits together."""
    shared_persons: Literal[True] | None = None
    """Present where persons may be in several splits; never in both retain and forget."""
    architecture: str | None = None
    """The network, in place of the recipe's own."""
    architecture_sha256: Sha256 | None = None
    """Of the organizer's own module."""
    training: TrainingChoice | None = None
    """Settings that differ from the recipe's own."""
    epochs: Annotated[int, Field(ge=1)] | None = None
    """Overrides the epochs of the training."""
    device: Literal["cuda"] | None = None
    """Where the networks were trained; missing: on the CPU."""
    mislabelled: Annotated[int, Field(ge=1)] | None = None
    """Number of forget examples that have a wrong label; missing: none."""


class Description(BaseModel):
    """The fields of ``challenge.toml``. Unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1]
    """Of this file."""
    name: Annotated[str, Field(min_length=1, max_length=100)]
    """Of the challenge: the name of the folder that it was built in."""
    recipe: str
    """Source of the data."""
    source: Source = Source()
    """Input of the recipe."""
    visibility: Visibility = "private"
    """Of a private challenge participants receive only what a worker receives (`runner.challenge.export`)."""
    exported_from: Sha256 | None = None
    """Hash of the challenge of which this is an export."""
    seed: Annotated[int, Field(ge=0, lt=1 << 40)] | None = None
    """Missing where it is held back."""
    forget_fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the training examples that are to be forgotten."""
    architecture: str
    """Name of the network; `file` for a module of the organizer."""
    classes: Annotated[int, Field(ge=2, le=100_000)]
    """Number of classes."""
    class_names: list[Annotated[str, Field(min_length=1, max_length=100)]] | None = None
    """By class; missing where the data have numbers alone, and in files of earlier versions."""
    item_format: Literal["dict", "tuple"]
    """Form of the items that a submission gets."""
    batch_size: Annotated[int, Field(ge=1)]
    """Of the loaders that a submission gets."""
    device: RunDevice = "cpu"
    """The device that runs need: ``cuda`` challenges are refused on hosts without a GPU."""
    references: Annotated[int, Field(ge=2)]
    """Number of networks retrained without the forget set."""
    reference_group: Annotated[int, Field(ge=1)] | None = None
    """Number of references trained together as one network; missing in files of earlier versions."""
    image: Sha256
    """Digest of the inputs of the image that built the challenge."""
    image_config: dict[PlatformName, ImageDigest] | None = None
    """Digest of that image's configuration, by platform; missing where the engine did not report it."""
    image_reference: ImageReference | None = None
    """Where participants get that image; written by an export that was asked to."""
    limits: StatedLimits
    """Of a run."""
    feedback: Feedback = "full"
    """What a participant sees of a run: also all that it printed and raised, or only its verdict."""
    training: Training
    """Of the original network and of the references."""
    probes: ProbeSettings | None = None
    """What is recorded of networks besides their outputs; missing where nothing is."""
    class_counts: dict[str, list[int]]
    """Examples of each class, by split."""
    files: dict[FileName, Sha256]
    """Hash of each file of the challenge."""
    controls: Annotated[list[Sha256], Field(min_length=1, max_length=MAX_CONTROLS)] | None = None
    """Hash of the `challenge.toml` of each control problem, in `private/controls`; never in an export."""

    @property
    def held_back(self) -> bool:
        """Return whether test split, references and seed are held back, as in a private export."""
        return self.visibility == "private" and self.exported_from is not None

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits that are not held back."""
        return PUBLIC_SPLITS if self.held_back else SPLITS

    @property
    def file_names(self) -> tuple[str, ...]:
        """Return the files that are described and not held back."""
        return tuple(name for name in self.files if not self.held_back or name in public_files(self.files))

    @model_validator(mode="after")
    def _check_export_fields(self) -> Self:
        if self.held_back:
            if self.seed is not None:
                raise ValueError("an export of a private challenge has no seed")
        elif self.seed is None:
            raise ValueError("seed is missing")
        return self

    @model_validator(mode="after")
    def _check_controls(self) -> Self:
        if self.exported_from is not None and self.controls is not None:
            raise ValueError("an export has no control problems")
        return self

    @model_validator(mode="after")
    def _check_architecture_file(self) -> Self:
        if (self.architecture == FILE_ARCHITECTURE) != (ARCHITECTURE_FILE in self.files):
            raise ValueError(
                f"{ARCHITECTURE_FILE} must be listed if the architecture is {FILE_ARCHITECTURE!r}, "
                "and only then"
            )
        return self

    @model_validator(mode="after")
    def _check_probes(self) -> Self:
        if self.held_back and self.probes is not None:
            raise ValueError("an export of a private challenge has no probes")
        if (self.probes is not None) != (PROBES_FILE in self.files):
            raise ValueError(f"{PROBES_FILE} must be listed if there are probes, and only then")
        return self

    @model_validator(mode="after")
    def _check_class_names(self) -> Self:
        if self.class_names is not None and len(self.class_names) != self.classes:
            raise ValueError("class_names must give a name for every class")
        return self

    @model_validator(mode="after")
    def _check_class_counts(self) -> Self:
        counts = self.class_counts
        if counts.keys() != set(self.splits) or any(len(row) != self.classes for row in counts.values()):
            raise ValueError("class_counts must give a number for every class of every split")
        if any(min(row) < 0 or sum(row) == 0 for row in counts.values()):
            raise ValueError("class_counts must not be negative, and no split may be empty")
        return self


def parse_description(file: Path, text: bytes) -> Description:
    """Read the text of ``challenge.toml``; ``file`` is its path, for messages.

    Raises:
        ConfigurationError: the text is not TOML, or not a description.
    """
    return parse_toml(file, text, Description, read=read_toml)


def render_description(description: Description) -> bytes:
    """Return the text of ``challenge.toml``."""
    fields = description.model_dump(mode="json", exclude_none=True)
    if not fields["source"]:
        del fields["source"]  # an empty table carries no information
    return tomli_w.dumps(fields).encode()
