"""A challenge on disk: its description, checked when loaded.

::

    challenge.toml      everything there is to say, with the hash of every file
    public/             original, retain, forget and val: all that a worker may see
    private/            test split and outputs of the references: never in a worker
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import numpy as np
import tomli_w
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from safetensors import SafetensorError
from safetensors.numpy import load as load_safetensors

from runner import architecture, arrays
from runner.checkpoint import CheckpointError, Spec, spec_of
from runner.errors import ConfigurationError
from runner.limits import Limits
from runner.text import harmless_line
from runner.training import Choice, Training
from sandbox.jobs import FILE_ARCHITECTURE, SPLITS

Feedback = Literal["full", "verdict-only"]

SCHEMA_VERSION: Final = 1
DESCRIPTION: Final = "challenge.toml"
REFERENCES: Final = "private/references.npz"
OUTPUTS: Final = ("logits", "correct", "unseen_losses")
"""What is kept of every network, reference or unlearned; `sandbox.outputs` computes it."""
ORIGINAL: Final = "public/original.safetensors"
FILES: Final = (
    ORIGINAL,
    "public/retain.safetensors",
    "public/forget.safetensors",
    "public/val.safetensors",
    "private/test.safetensors",
    REFERENCES,
)
"""Of every challenge."""
ARCHITECTURE: Final = "public/architecture.py"
"""The organizer's own module, where there is one."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Source(BaseModel):
    """What a recipe was given besides seed and fraction; what is left out was the recipe's choice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_sha256: Sha256 | None = None
    """Of the organizer's files, names and contents (`runner.challenge_data`)."""
    most_examples: Annotated[int, Field(ge=1)] | None = None
    architecture: str | None = None
    architecture_sha256: Sha256 | None = None
    """Of the organizer's own module."""
    training: Choice | None = None
    epochs: Annotated[int, Field(ge=1)] | None = None
    """In place of what the training says."""
    device: Literal["cuda"] | None = None
    """Where the networks were trained; left out: on the CPU."""


class Description(BaseModel):
    """What ``challenge.toml`` says. Unknown names are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    recipe: str
    source: Source = Source()
    seed: Annotated[int, Field(ge=0, lt=1 << 40)]
    forget_fraction: Annotated[float, Field(gt=0, lt=1)]
    architecture: str
    classes: Annotated[int, Field(ge=2, le=100_000)]
    item_format: Literal["dict", "tuple"]
    batch_size: Annotated[int, Field(ge=1)]
    device: Literal["cpu", "cuda"] = "cpu"
    """What runs need: ``cuda`` challenges are refused where there is no GPU."""
    references: Annotated[int, Field(ge=2)]
    reference_group: Annotated[int, Field(ge=1)] | None = None
    """How many of them were trained as one network; where it is left out, by a version that did not say."""
    image: Sha256
    """Digest of the image that built it."""
    limits: Limits
    feedback: Feedback = "full"
    """What a participant is told of a run: all that it printed and raised, or how it ended alone."""
    training: Training
    class_counts: dict[str, list[int]]
    """Examples of each class, by split."""
    files: dict[str, Sha256]

    @field_validator("limits", mode="before")
    @classmethod
    def _the_time_of_a_run_is_said(cls, said: object) -> object:
        if isinstance(said, dict) and not said.keys() & {"wall_seconds", "wall_fraction"}:
            raise ValueError("give either wall_seconds or wall_fraction")
        return said

    @model_validator(mode="after")
    def _a_module_is_there_if_it_is_named(self) -> Self:
        if (self.architecture == FILE_ARCHITECTURE) != (ARCHITECTURE in self.files):
            raise ValueError(
                f"{ARCHITECTURE} must be listed if the architecture is {FILE_ARCHITECTURE!r}, and only then"
            )
        return self

    @model_validator(mode="after")
    def _counts_are_complete(self) -> Self:
        counts = self.class_counts
        if counts.keys() != set(SPLITS) or any(len(row) != self.classes for row in counts.values()):
            raise ValueError("class_counts must give a number for every class of every split")
        if any(min(row) < 0 or sum(row) == 0 for row in counts.values()):
            raise ValueError("class_counts must not be negative, and no split may be empty")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """The outputs of the references: what unlearned checkpoints are compared with."""

    logits: NDArray[np.float32]
    """On the forget examples. Shape [references, examples, classes]."""

    correct: NDArray[np.int64]
    """Right answers by split and class. Shape [references, 4, classes]."""

    unseen_losses: NDArray[np.float32]
    """Cross-entropy of each test example. Shape [references, test examples]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """A challenge that was found whole."""

    folder: Path
    description: Description
    sha256: str
    """Of ``challenge.toml``, which holds the hash of every other file."""
    spec: Spec
    """What a checkpoint must look like."""
    forget_labels: NDArray[np.int64]
    references: References
    architecture_source: str | None = None
    """The text of the organizer's own module: for containers alone, never imported here."""

    def data(self, name: str) -> bytes:
        """Return the bytes of a split or of the original network.

        Raises:
            ConfigurationError: the file cannot be read or is not what the description says.
        """
        folder = "private" if name == "test" else "public"
        return _read_checked(self.folder, f"{folder}/{name}.safetensors", self.description)

    def run_seed(self, index: int) -> int:
        """Return the seed of a run: 63 bits drawn from the challenge's seed and the index."""
        drawn = hashlib.sha256(f"run {self.description.seed} {index}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") >> 1


def load(folder: Path) -> Challenge:
    """Read a challenge and check every file of it.

    Raises:
        ConfigurationError: there is none, it is unfinished, damaged, or of another version.
    """
    file = folder / DESCRIPTION
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no challenge at {folder}; build one with: unlearn challenge build digits {folder}"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"The challenge cannot be read: {error}.") from error
    description = parse(file, text)
    original = _read_checked(folder, ORIGINAL, description)
    forget = _read_checked(folder, "public/forget.safetensors", description)
    for name in FILES:
        _read_checked(folder, name, description)
    try:
        spec = spec_of(original)
        labels = load_safetensors(forget)["label"]
    except (CheckpointError, SafetensorError, KeyError) as error:
        raise ConfigurationError(f"The challenge at {folder} is damaged: {error}.") from error
    source = None
    if ARCHITECTURE in description.files:
        data = _read_checked(folder, ARCHITECTURE, description)
        source = architecture.text_of(data, folder / ARCHITECTURE)
    references = read_references(_read_checked(folder, REFERENCES, description))
    count, classes = description.references, description.classes
    shapes = (references.logits.shape, references.correct.shape, references.unseen_losses.shape)
    if shapes != (
        (count, len(labels), classes),
        (count, len(SPLITS), classes),
        (count, sum(description.class_counts["test"])),
    ):
        raise ConfigurationError(f"{folder / REFERENCES} has the wrong shape; build the challenge anew.")
    return Challenge(
        folder=folder,
        description=description,
        sha256=hashlib.sha256(text).hexdigest(),
        spec=spec,
        forget_labels=labels.astype(np.int64),
        references=references,
        architecture_source=source,
    )


def parse(file: Path, text: bytes) -> Description:
    """Read the text of ``challenge.toml``; ``file`` is where it came from.

    Raises:
        ConfigurationError: it is not TOML, or not a description.
    """
    try:
        return Description.model_validate(tomllib.loads(text.decode()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        reason = harmless_line(f"{where or 'it'}: {said}")
        raise ConfigurationError(f"{file}: {reason}.") from error
    except RecursionError as error:
        raise ConfigurationError(f"{file} is not TOML: it is nested too deeply.") from error
    except ValueError as error:  # what TOML refuses, and numbers that Python does
        raise ConfigurationError(f"{file} is not TOML: {harmless_line(str(error))}.") from error


def _read_checked(folder: Path, name: str, description: Description) -> bytes:
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"The challenge at {folder} is incomplete: {error}.") from error
    if hashlib.sha256(data).hexdigest() != description.files.get(name):
        raise ConfigurationError(f"{folder / name} is not the file that {DESCRIPTION} describes.")
    return data


def render(description: Description) -> bytes:
    """Return the text of ``challenge.toml``."""
    said = description.model_dump(mode="json", exclude_none=True)
    if not said["source"]:
        del said["source"]  # an empty table says nothing
    return tomli_w.dumps(said).encode()


def read_references(data: bytes) -> References:
    """Read ``references.npz``; arrays of plain numbers only.

    Raises:
        ConfigurationError: it is not such a file.
    """
    try:
        found = arrays.unpack(data, OUTPUTS)
    except ValueError as error:
        raise ConfigurationError(
            f"{REFERENCES} cannot be read ({error}); build the challenge anew."
        ) from error
    return References(
        logits=found["logits"].astype(np.float32),
        correct=found["correct"].astype(np.int64),
        unseen_losses=found["unseen_losses"].astype(np.float32),
    )
