"""A challenge on disk: its description, checked when loaded.

::

    challenge.toml      everything there is to say, with the hash of every file (`runner.description`)
    public/             original, retain, forget and val: all that a worker may see
    private/            test split and outputs of the references: never in a worker

What is exported of a private challenge is one too, without ``private/`` and without the seed: its
submissions are run and judged, and not scored.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner import architecture, arrays, challenge_checks
from runner.challenge_checks import BadSplitError, Column, Digest
from runner.checkpoint import CheckpointError, Spec, check, spec_of, tensors_of
from runner.description import (
    ARCHITECTURE,
    DESCRIPTION,
    ORIGINAL,
    OUTPUTS,
    REFERENCES,
    SPLIT_FILES,
    Description,
    parse,
)
from runner.errors import ConfigurationError
from runner.files import read_plain
from runner.limits import MIB
from sandbox.jobs import ARCHITECTURE_BYTES, SPLITS

_HEADER_BYTES: Final = 1 << 16
"""More than the header of a split's few columns ever takes."""
_DESCRIPTION_BYTES: Final = 4 * MIB
_FILE_BYTES: Final = 16384 * MIB
"""No file is longer: a trainer sends none that is (`sandbox.messages`)."""


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


def _read_checked(folder: Path, name: str, description: Description) -> bytes:
    most_bytes = ARCHITECTURE_BYTES if name == ARCHITECTURE else _FILE_BYTES
    try:
        data = read_plain(folder / name, most_bytes=most_bytes)
    except OSError as error:
        raise ConfigurationError(f"The challenge at {folder} is incomplete: {error}.") from error
    if hashlib.sha256(data).hexdigest() != description.files.get(name):
        raise ConfigurationError(f"{folder / name} is not the file that {DESCRIPTION} describes.")
    return data


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
