"""Load a challenge from its folder, checking every file.

::

    challenge.toml      the description, with the hash of every file (`runner.challenge.description`)
    public/             original, retain, forget and val: all that a worker may see
    private/            test split and outputs of the references: never in a worker

The export of a private challenge is a challenge too, without ``private/`` and without the seed: submissions
to it are run and judged, but not scored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from runner.challenge.architecture import decode_architecture
from runner.challenge.build_facts import read_build_facts
from runner.challenge.challenge import Challenge, check_file, read_checked_file
from runner.challenge.description import Description, parse_description
from runner.challenge.layout import (
    ARCHITECTURE_FILE,
    DESCRIPTION_BYTES,
    DESCRIPTION_FILE,
    ORIGINAL_FILE,
    PROBES_FILE,
    REFERENCES_FILE,
    SPLIT_FILES,
)
from runner.challenge.outputs import NetworkOutputs, OutputShapes, unpack_outputs
from runner.challenge.probes import too_large_probe
from runner.challenge.split_checks import (
    BadSplitError,
    Column,
    SplitDigest,
    check_split,
    check_splits,
    duplicate_warnings,
    empty_class_warnings,
    shared_person_warnings,
)
from runner.challenge.unfinished import find_unfinished
from runner.errors import ConfigurationError
from runner.files import read_regular_file
from runner.parsers.checkpoint import check_checkpoint, checkpoint_spec
from runner.parsers.npz import ArraysError
from runner.parsers.safetensors import CheckpointError, read_tensors
from runner.sanitize import sanitize_line
from sandbox.protocol.splits import SPLITS

_HEADER_BYTES: Final = 1 << 16
"""More than the header of a split's few columns needs."""


def load_challenge(folder: Path) -> Challenge:
    """Read a challenge and check every file of it.

    Raises:
        ConfigurationError: the challenge is missing, unfinished, damaged or of another version, or its data
            do not pass `runner.challenge.split_checks`.
    """
    file = folder / DESCRIPTION_FILE
    try:
        text = read_regular_file(file, max_bytes=DESCRIPTION_BYTES)
    except FileNotFoundError:
        raise ConfigurationError(_absence(folder)) from None
    except OSError as error:
        raise ConfigurationError(f"The challenge cannot be read: {error}.") from error
    description = parse_description(file, text)
    original = read_checked_file(folder, ORIGINAL_FILE, description)
    try:
        spec = checkpoint_spec(original)
        check_checkpoint(original, spec)
    except CheckpointError as error:
        raise ConfigurationError(f"{folder / ORIGINAL_FILE} is damaged: {error}.") from error
    source = None
    if ARCHITECTURE_FILE in description.files:
        source = decode_architecture(
            read_checked_file(folder, ARCHITECTURE_FILE, description), folder / ARCHITECTURE_FILE
        )
    if description.probes is not None:
        check_file(folder, PROBES_FILE, description)
    digests = _compared_splits(
        folder,
        description.splits,
        lambda name: read_checked_file(folder, name, description),
        description.class_counts,
        shared_persons=bool(description.source.shared_persons),
    )
    labels = next(digest.labels for digest in digests if digest.split == "forget")
    challenge = Challenge(
        folder=folder,
        description=description,
        sha256=hashlib.sha256(text).hexdigest(),
        spec=spec,
        forget_labels=labels.copy(),
        references=None if description.held_back else _load_references(folder, description, len(labels)),
        architecture_source=source,
        build_facts=read_build_facts(folder),
        warnings=(
            *_split_warnings(digests),
            *empty_class_warnings([] if description.held_back else description.class_counts.values()),
        ),
    )
    if (kind := too_large_probe(challenge.output_shapes.probes)) is not None:
        raise ConfigurationError(f"{file}: probes: the {kind} of one network would be too large.")
    return challenge


def early_split_warnings(
    folder: Path, class_counts: Mapping[str, Sequence[int]], *, shared_persons: bool
) -> list[str]:
    """Return the warnings about the data of a challenge that is still being built.

    Args:
        folder: It has the files of all splits.
        class_counts: Number of examples of each class, by split.
        shared_persons: Whether the organizer allows persons in several splits.

    Raises:
        ConfigurationError: the data do not pass `runner.challenge.split_checks`.
        OSError: a file cannot be read.
    """
    return _split_warnings(
        _compared_splits(
            folder,
            SPLITS,
            lambda name: (folder / name).read_bytes(),
            class_counts,
            shared_persons=shared_persons,
        )
    )


def _split_warnings(digests: Sequence[SplitDigest]) -> list[str]:
    return [*duplicate_warnings(digests), *shared_person_warnings(digests)]


def _compared_splits(
    folder: Path,
    splits: Iterable[str],
    read: Callable[[str], bytes],
    class_counts: Mapping[str, Sequence[int]],
    *,
    shared_persons: bool,
) -> list[SplitDigest]:
    """Return the digest of each split, after checking it and comparing it with the others.

    Only one split is in memory at a time.
    """
    digests = [_digest(folder, split, read(SPLIT_FILES[split]), class_counts[split]) for split in splits]
    try:
        check_splits(digests, shared_persons=shared_persons)
    except BadSplitError as error:
        raise ConfigurationError(f"The challenge at {folder} is not valid: {error}.") from error
    return digests


def _absence(folder: Path) -> str:
    """Return why a folder holds no complete challenge, and what to do; never a command that drops a build."""
    build = find_unfinished(folder)
    if build is not None:
        return f"{build.describe()}, which is no challenge yet. {build.advice(with_image=True)}"
    text = f"No challenge exists at {folder}"
    try:
        occupied = folder.is_dir() and any(folder.iterdir())
    except OSError:
        occupied = True
    if occupied:
        return f"{text}, which holds other files; name the folder that has {DESCRIPTION_FILE}."
    return f"{text}; build one with: unlearn challenge build digits {folder}"


def _digest(folder: Path, split: str, data: bytes, class_counts: Sequence[int]) -> SplitDigest:
    """Check a split and return its digest for comparison with other splits."""
    name = SPLIT_FILES[split]
    try:
        columns = {
            column: Column(dtype=spec.dtype, shape=spec.shape, data=raw)
            for column, (spec, raw) in read_tensors(data, max_header_bytes=_HEADER_BYTES).items()
        }
    except CheckpointError as error:
        raise ConfigurationError(f"{folder / name} is damaged: {error}.") from error
    try:
        return check_split(columns, split=split, file=name, class_counts=class_counts)
    except BadSplitError as error:
        raise ConfigurationError(f"{folder / name} is damaged: {error}.") from error


def _load_references(folder: Path, description: Description, forget_examples: int) -> NetworkOutputs:
    file, counts = folder / REFERENCES_FILE, description.class_counts
    shapes = OutputShapes(examples=forget_examples, classes=description.classes, unseen=sum(counts["test"]))
    try:
        references = unpack_outputs(
            read_checked_file(folder, REFERENCES_FILE, description), shapes, stacked=True
        )
        references.require_finite()
    except ArraysError as error:
        reason = sanitize_line(str(error))
        raise ConfigurationError(f"{file} cannot be used: {reason}; build the challenge again.") from error
    if len(references.logits) != description.references:
        raise ConfigurationError(
            f"{file} has {len(references.logits)} references, not {description.references}; "
            "build the challenge again."
        )
    examples = np.array([counts[split] for split in SPLITS])
    if (references.correct < 0).any() or (references.correct > examples).any():
        raise ConfigurationError(f"{file} has more right answers than examples, or fewer than none.")
    return references
