"""What of a challenge do participants get? Everything of a public one; of a private one what a worker sees.

Held back of a private one are the test split and the references, and what would let them be computed
again or a guess of them be confirmed: the seed above all, which decides splits, the weights of every
reference and the seeds of runs. A field that nobody has decided about is held back.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel

from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, render_description
from runner.challenge.layout import DESCRIPTION_FILE, PUBLIC_SPLITS, public_files
from runner.challenge.load import load_challenge
from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import write_atomic

Decision = Literal["given", "held back", "public part", "made anew"]

DECISIONS: Final[Mapping[str, Decision]] = {
    "schema_version": "given",
    "name": "given",
    "recipe": "given",
    "source.data_sha256": "held back",  # confirms a guess of the files that the splits are drawn from
    "source.most_examples": "held back",  # with the files and the seed it gives the splits
    "source.shared_persons": "given",  # the splits that are given are checked by it
    "source.architecture": "held back",  # what came of it is told below
    "source.architecture_sha256": "held back",  # the file itself is given
    "source.training": "held back",
    "source.epochs": "held back",
    "source.device": "held back",
    "visibility": "given",
    "exported_from": "made anew",
    "seed": "held back",  # gives splits, references and the seeds of runs
    "forget_fraction": "given",  # the sizes of retain and forget tell it
    "architecture": "given",
    "classes": "given",
    "item_format": "given",
    "batch_size": "given",
    "device": "given",
    "reference_group": "held back",  # tells nothing but how to compute them again
    "references": "given",  # how many: the noise of the score that is to be expected
    "image": "given",  # participants are to use the same one
    "limits.wall_seconds": "given",
    "limits.wall_fraction": "given",
    "limits.total_seconds": "given",
    "limits.memory_bytes": "given",
    "limits.shared_memory_bytes": "given",
    "limits.scratch_bytes": "given",
    "limits.scratch_inodes": "given",
    "limits.processes": "given",
    "limits.cpus": "given",
    "limits.concurrency": "given",
    "limits.log_bytes": "given",
    "feedback": "given",  # what they will be told
    "training.epochs": "given",  # a limit may be a fraction of retraining, which is timed with these
    "training.batch_size": "given",
    "training.learning_rate": "given",
    "training.momentum": "given",
    "training.weight_decay": "given",
    "training.optimizer": "given",
    "training.nesterov": "given",
    "training.schedule": "given",
    "training.class_weights": "given",
    "training.keep": "given",
    "class_counts": "public part",
    "files": "public part",  # the hash of the test split or of the references would confirm a guess
}
"""What becomes of each field of a private challenge's description."""


def field_names(model: type[BaseModel]) -> Iterator[str]:
    """Yield the names of a description's fields, those of tables behind the table's name and a dot."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name}.{inner}" for inner in field_names(field.annotation))
        else:
            yield name


def exported_description(description: Description, sha256: str) -> Description:
    """Return the description of an export; ``sha256`` is the hash of the challenge.

    Raises:
        ConfigurationError: it is an export already.
    """
    if description.exported_from is not None:
        raise ConfigurationError(f"{description.name} is an export itself; copy its folder.")
    if description.visibility == "public":
        return description.model_copy(update={"exported_from": sha256})
    said = description.model_dump()
    told: dict[str, Any] = {"exported_from": sha256}
    for place in field_names(Description):
        if DECISIONS.get(place) == "given":
            table, _dot, name = place.rpartition(".")
            if table:
                told.setdefault(table, {})[name] = said[table][name]
            else:
                told[name] = said[name]
    told["class_counts"] = {split: said["class_counts"][split] for split in PUBLIC_SPLITS}
    told["files"] = {name: said["files"][name] for name in public_files(said["files"])}
    return Description.model_validate(told)


def export_challenge(challenge: Challenge, folder: Path) -> Challenge:
    """Write what participants get into a folder that is not there or empty; return it as they load it.

    Raises:
        ConfigurationError: the folder holds something, or the challenge is an export.
        HostNotReadyError: it cannot be written; nothing is left behind.
    """
    description = exported_description(challenge.description, challenge.sha256)
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is there already and no empty folder; choose another.")
    staging: Path | None = None
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.absolute().parent))
        for name in description.file_names:
            write_atomic(staging / name, challenge.file(name))
        write_atomic(staging / DESCRIPTION_FILE, render_description(description))
        made = replace(load_challenge(staging), folder=folder)
        staging.chmod(0o755)
        staging.rename(folder)  # onto an empty folder too, and onto nothing else
        staging = None
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
    return made
