"""The export of a challenge: the part that participants receive.

Of a public challenge that is everything; of a private one, what a worker receives. Held back of a private
challenge are the test split, the references, and every field with which they could be computed again or a
guess of them confirmed: above all the seed, which decides the splits, the weights of every
reference and the seeds of runs. A field without an entry in `DECISIONS` is held back.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel

from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, render_description
from runner.challenge.exports import note_export
from runner.challenge.layout import DESCRIPTION_FILE, PUBLIC_SPLITS, public_files
from runner.challenge.load import load_challenge
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import write_atomic

BY_HEART: Final = (
    "With retain and forget, networks can be retrained at home: they reach the ceiling without unlearning. "
    "Let a final phase be scored on a challenge that is never exported."
)
"""What an organizer should know of any export, public or private."""

Decision = Literal["included", "held back", "public part", "recomputed"]

DECISIONS: Final[Mapping[str, Decision]] = {
    "schema_version": "included",
    "name": "included",
    "recipe": "included",
    "source.data_sha256": "held back",  # confirms a guess of the files that the splits are drawn from
    "source.most_examples": "held back",  # with the files and the seed it gives the splits
    "source.shared_persons": "included",  # the included splits are checked with it
    "source.architecture": "held back",  # the result is included below
    "source.architecture_sha256": "held back",  # the file itself is included
    "source.training": "held back",
    "source.epochs": "held back",
    "source.device": "held back",
    "source.mislabelled": "held back",  # a submission could treat them in a way of their own
    "visibility": "included",
    "exported_from": "recomputed",
    "seed": "held back",  # gives splits, references and the seeds of runs
    "forget_fraction": "included",  # the sizes of retain and forget reveal it
    "architecture": "included",
    "classes": "included",
    "class_names": "included",  # what the numbers in the items mean
    "item_format": "included",
    "batch_size": "included",
    "device": "included",
    "reference_group": "held back",  # useful only to compute them again
    "references": "included",  # their number: it determines the expected noise of the score
    "image": "included",  # participants should use the same image
    "image_config": "included",
    "image_reference": "included",  # where they get it
    "limits.wall_seconds": "included",
    "limits.wall_fraction": "included",
    "limits.total_seconds": "included",
    "limits.memory_bytes": "included",
    "limits.shared_memory_bytes": "included",
    "limits.scratch_bytes": "included",
    "limits.scratch_inodes": "included",
    "limits.processes": "included",
    "limits.cpus": "included",
    "limits.concurrency": "included",
    "limits.log_bytes": "included",
    "limits.submission_bytes": "included",
    "limits.retraining_fraction": "included",
    "feedback": "included",  # what they will see of their runs
    "training.epochs": "included",  # a limit may be a fraction of retraining, which is timed with it
    "training.batch_size": "included",
    "training.learning_rate": "included",
    "training.momentum": "included",
    "training.weight_decay": "included",
    "training.optimizer": "included",
    "training.nesterov": "included",
    "training.schedule": "included",
    "training.class_weights": "included",
    "training.keep": "included",
    "probes": "held back",  # what is recorded of runs, and the seed of its noise
    "class_counts": "public part",
    "controls": "held back",  # whoever knows their number knows how many problems to tell apart
    "files": "public part",  # the hash of the test split or of the references would confirm a guess
}
"""Treatment of each field of a private challenge's description."""


def field_names(model: type[BaseModel]) -> Iterator[str]:
    """Yield the names of a description's fields; a table's fields are prefixed with its name and a dot."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name}.{inner}" for inner in field_names(field.annotation))
        else:
            yield name


def exported_description(
    description: Description, sha256: str, *, image_reference: str | None = None
) -> Description:
    """Return the description of an export.

    Args:
        description: Of the challenge.
        sha256: The challenge's hash.
        image_reference: Where participants get the image, by digest, if that is to be in it.

    Raises:
        ConfigurationError: the challenge is itself an export.
    """
    if description.exported_from is not None:
        raise ConfigurationError(f"{description.name} is itself an export; copy its folder.")
    if description.visibility == "public":
        return description.model_copy(
            update={"exported_from": sha256, "image_reference": image_reference, "controls": None}
        )
    fields = {**description.model_dump(), "image_reference": image_reference}
    exported: dict[str, Any] = {"exported_from": sha256}
    for path in field_names(Description):
        if DECISIONS.get(path) == "included":
            table, _dot, name = path.rpartition(".")
            if table:
                exported.setdefault(table, {})[name] = fields[table][name]
            else:
                exported[name] = fields[name]
    exported["class_counts"] = {split: fields["class_counts"][split] for split in PUBLIC_SPLITS}
    exported["files"] = {name: fields["files"][name] for name in public_files(fields["files"])}
    return Description.model_validate(exported)


def left_out_sentence(description: Description) -> str:
    """Return what the export of a challenge with this description lacks."""
    if description.visibility == "public":
        return (
            "Nothing is left out but the control problems: the challenge is public."
            if description.controls
            else "Nothing is left out: the challenge is public."
        )
    fields = ", ".join(
        path for path in field_names(Description) if DECISIONS.get(path) == "held back" and path != "seed"
    )
    return f"Not in it: the test split, the references, the seed, and of challenge.toml {fields}."


def export_challenge(challenge: Challenge, folder: Path, *, image_reference: str | None = None) -> Challenge:
    """Write an export into a new or empty folder; return it as participants load it.

    That of a private challenge is noted beside the challenge (`runner.challenge.exports`).

    Args:
        challenge: Of which it is.
        folder: For the export.
        image_reference: Where participants get the image, by digest, if that is to be in it.

    Raises:
        ConfigurationError: the folder is not empty, or the challenge is itself an export.
        HostNotReadyError: the folder, or the note, cannot be written; no partial export remains.
    """
    description = exported_description(
        challenge.description, challenge.sha256, image_reference=image_reference
    )
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} already exists and is not an empty folder; choose another.")
    staging: Path | None = None
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.absolute().parent))
        for name in description.file_names:
            write_atomic(staging / name, challenge.file(name))
        write_atomic(staging / DESCRIPTION_FILE, render_description(description))
        exported = replace(load_challenge(staging), folder=folder)
        if challenge.description.visibility == "private":
            note_export(challenge.folder, datetime.now(UTC))
        staging.chmod(0o755)
        staging.rename(folder)  # replaces an empty folder, and nothing else
        staging = None
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    return exported
