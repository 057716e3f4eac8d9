"""A challenge on disk: its description, checked when loaded.

::

    challenge.toml      everything there is to say, with the hash of every file
    public/             original, retain, forget and val: all that a worker may see
    private/            test split and outputs of the references: never in a worker

What is exported of a private challenge is one too, without ``private/`` and without the seed: its
submissions are run and judged, and not scored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import numpy as np
import tomli_w
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from runner import architecture, arrays, challenge_checks, description_text
from runner.challenge_checks import BadSplitError, Column, Digest
from runner.checkpoint import CheckpointError, Spec, check, spec_of, tensors_of
from runner.errors import ConfigurationError
from runner.files import read_plain
from runner.limits import MIB, Limits
from runner.text import harmless_line
from runner.training import Choice, Training
from sandbox.jobs import ARCHITECTURE_BYTES, FILE_ARCHITECTURE, SPLITS

Feedback = Literal["full", "verdict-only"]
Visibility = Literal["public", "private"]
RunDevice = Literal["cpu", "cuda"]

SCHEMA_VERSION: Final = 1
DESCRIPTION: Final = "challenge.toml"
REFERENCES: Final = "private/references.npz"
OUTPUTS: Final = ("logits", "correct", "unseen_losses")
"""What is kept of every network, reference or unlearned; `sandbox.outputs` computes it."""
ORIGINAL: Final = "public/original.safetensors"
PUBLIC_SPLITS: Final = ("retain", "forget", "val")
"""What a worker sees, beside the original network."""
SPLIT_FILES: Final = {
    split: f"{'public' if split in PUBLIC_SPLITS else 'private'}/{split}.safetensors" for split in SPLITS
}
PUBLIC_FILES: Final = (ORIGINAL, *(SPLIT_FILES[split] for split in PUBLIC_SPLITS))
FILES: Final = (*PUBLIC_FILES, SPLIT_FILES["test"], REFERENCES)
"""Of every challenge."""
ARCHITECTURE: Final = "public/architecture.py"
"""The organizer's own module, where there is one."""
_HEADER_BYTES: Final = 1 << 16
"""More than the header of a split's few columns ever takes."""
_DESCRIPTION_BYTES: Final = 4 * MIB
_MOST_ERRORS: Final = 1000
_FILE_BYTES: Final = 16384 * MIB
"""No file is longer: a trainer sends none that is (`sandbox.messages`)."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^(public|private)/[a-z_]+\.[a-z]+$")]
"""A file of a challenge is in one of two folders; the name leads nowhere else."""


class Source(BaseModel):
    """What a recipe was given besides seed and fraction; what is left out was the recipe's choice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_sha256: Sha256 | None = None
    """Of the organizer's files, names and contents (`runner.challenge_data`)."""
    most_examples: Annotated[int, Field(ge=1)] | None = None
    shared_persons: Literal[True] | None = None
    """Said where persons may be in several splits; never in both retain and forget."""
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
    visibility: Visibility = "private"
    """Of a private challenge participants are given what a worker sees, and no more (`runner.export`)."""
    exported_from: Sha256 | None = None
    """Hash of the challenge that this is an export of."""
    seed: Annotated[int, Field(ge=0, lt=1 << 40)] | None = None
    """Missing where it is held back."""
    forget_fraction: Annotated[float, Field(gt=0, lt=1)]
    architecture: str
    classes: Annotated[int, Field(ge=2, le=100_000)]
    item_format: Literal["dict", "tuple"]
    batch_size: Annotated[int, Field(ge=1)]
    device: RunDevice = "cpu"
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
    files: dict[FileName, Sha256]

    @field_validator("limits", mode="before")
    @classmethod
    def _the_time_of_a_run_is_said(cls, said: object) -> object:
        if isinstance(said, dict) and not said.keys() & {"wall_seconds", "wall_fraction"}:
            raise ValueError("give either wall_seconds or wall_fraction")
        return said

    @property
    def held_back(self) -> bool:
        """Return whether test split, references and seed are left out: an export of a private challenge."""
        return self.visibility == "private" and self.exported_from is not None

    @property
    def splits(self) -> tuple[str, ...]:
        """Return the splits that are there."""
        return PUBLIC_SPLITS if self.held_back else SPLITS

    @property
    def file_names(self) -> tuple[str, ...]:
        """Return the files that are described and not held back."""
        return tuple(name for name in self.files if not self.held_back or name in public_part(self.files))

    @model_validator(mode="after")
    def _nothing_is_held_back_by_halves(self) -> Self:
        if self.held_back:
            if self.seed is not None:
                raise ValueError("an export of a private challenge has no seed")
        elif self.seed is None:
            raise ValueError("seed is missing")
        return self

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
        if counts.keys() != set(self.splits) or any(len(row) != self.classes for row in counts.values()):
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
    references: References | None
    """None where they are held back."""
    architecture_source: str | None = None
    """The text of the organizer's own module: for containers alone, never imported here."""
    warnings: tuple[str, ...] = ()
    """Sentences on what is not wrong with the data but worth knowing."""

    def data(self, name: str) -> bytes:
        """Return the bytes of a split or of the original network.

        Raises:
            ConfigurationError: the file cannot be read or is not what the description says.
        """
        return self.file(ORIGINAL if name == "original" else SPLIT_FILES[name])

    def file(self, name: str) -> bytes:
        """Return the bytes of a file, by its path in the folder.

        Raises:
            ConfigurationError: it cannot be read or is not what the description says.
        """
        return _read_checked(self.folder, name, self.description)

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
            source = f"{said.seed} {said.files[REFERENCES]}"
        else:  # an earlier version built it, and evaluations on it have begun with these
            source = str(said.seed)
        drawn = hashlib.sha256(f"run {source} {index}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") >> 1


def public_part(files: Iterable[str]) -> list[str]:
    """Return those of a challenge's files that a worker may see."""
    return [name for name in files if name.startswith("public/")]


def load(folder: Path) -> Challenge:
    """Read a challenge and check every file of it.

    Raises:
        ConfigurationError: there is none, it is unfinished, damaged, of another version, or its data
            are not what `runner.challenge_checks` asks for.
    """
    file = folder / DESCRIPTION
    try:
        text = read_plain(file, most_bytes=_DESCRIPTION_BYTES)
    except FileNotFoundError:
        raise ConfigurationError(
            f"There is no challenge at {folder}; build one with: unlearn challenge build digits {folder}"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"The challenge cannot be read: {error}.") from error
    description = parse(file, text)
    original = _read_checked(folder, ORIGINAL, description)
    try:
        spec = spec_of(original)
        check(original, spec)
    except CheckpointError as error:
        raise ConfigurationError(f"{folder / ORIGINAL} is damaged: {error}.") from error
    source = None
    if ARCHITECTURE in description.files:
        source = architecture.text_of(_read_checked(folder, ARCHITECTURE, description), folder / ARCHITECTURE)
    digests = [_load_split(folder, split, description) for split in description.splits]
    try:
        challenge_checks.check_together(digests, shared_persons=bool(description.source.shared_persons))
    except BadSplitError as error:
        raise ConfigurationError(f"The challenge at {folder} is not sound: {error}.") from error
    labels = next(digest.labels for digest in digests if digest.split == "forget")
    return Challenge(
        folder=folder,
        description=description,
        sha256=hashlib.sha256(text).hexdigest(),
        spec=spec,
        forget_labels=labels.copy(),
        references=None if description.held_back else _load_references(folder, description, len(labels)),
        architecture_source=source,
        warnings=(*challenge_checks.duplicates(digests), *challenge_checks.known_faces(digests)),
    )


def _load_split(folder: Path, split: str, description: Description) -> Digest:
    """Check a split and return what is to be compared with others; its images are let go."""
    name = SPLIT_FILES[split]
    data = _read_checked(folder, name, description)
    try:
        columns = {
            column: Column(dtype=spec.dtype, shape=spec.shape, data=raw)
            for column, (spec, raw) in tensors_of(data, most_header_bytes=_HEADER_BYTES).items()
        }
    except CheckpointError as error:
        raise ConfigurationError(f"{folder / name} is damaged: {error}.") from error
    try:
        return challenge_checks.check_split(
            columns, split=split, file=name, class_counts=description.class_counts[split]
        )
    except BadSplitError as error:
        raise ConfigurationError(f"{folder / name} is damaged: {error}.") from error


def _load_references(folder: Path, description: Description, forget_examples: int) -> References:
    references = read_references(_read_checked(folder, REFERENCES, description))
    count, classes, counts = description.references, description.classes, description.class_counts
    shapes = (references.logits.shape, references.correct.shape, references.unseen_losses.shape)
    if shapes != (
        (count, forget_examples, classes),
        (count, len(SPLITS), classes),
        (count, sum(counts["test"])),
    ):
        raise ConfigurationError(f"{folder / REFERENCES} has the wrong shape; build the challenge anew.")
    if not (np.isfinite(references.logits).all() and np.isfinite(references.unseen_losses).all()):
        raise ConfigurationError(f"{folder / REFERENCES} has outputs that are not finite.")
    there = np.array([counts[split] for split in SPLITS])
    if (references.correct < 0).any() or (references.correct > there).any():
        raise ConfigurationError(
            f"{folder / REFERENCES} has more right answers than examples, or fewer than none."
        )
    return references


def parse(file: Path, text: bytes) -> Description:
    """Read the text of ``challenge.toml``; ``file`` is where it came from.

    Raises:
        ConfigurationError: it is not TOML, or not a description.
    """
    try:
        return Description.model_validate(description_text.read(text))
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {_what_is_wrong(error)}.") from error
    except RecursionError as error:
        raise ConfigurationError(f"{file} is not TOML: it is nested too deeply.") from error
    except ValueError as error:  # what TOML refuses, and numbers that Python does
        raise ConfigurationError(f"{file} is not TOML: {harmless_line(str(error))}.") from error


def _what_is_wrong(error: ValidationError) -> str:
    """Return the first thing that is wrong; of very many their number, for pydantic tells all or none."""
    if error.error_count() > _MOST_ERRORS:
        return f"{error.error_count()} names or values are wrong"
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return harmless_line(f"{where or 'it'}: {first['msg'].removeprefix('Value error, ')}")


def _read_checked(folder: Path, name: str, description: Description) -> bytes:
    most_bytes = ARCHITECTURE_BYTES if name == ARCHITECTURE else _FILE_BYTES
    try:
        data = read_plain(folder / name, most_bytes=most_bytes)
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
