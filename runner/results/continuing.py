"""The command that continues an evaluation, put together from what the store knows of it.

The paths of the entries, the challenge's folder and the image are recorded, and so are the settings that the
last command requested. Evaluations of earlier versions have no settings: isolation and runtime are part of an
evaluation's name, so they are tried until the name results.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Final

from runner.errors import HostNotReadyError
from runner.files import read_stored_file
from runner.store.entries.records import Entry
from runner.store.paths import DEFAULT_STORE, EvaluationPaths, WhereRun, archive_path, evaluation_id
from runner.store.stored_evaluation import StoredEvaluation

_ISOLATIONS: Final = ("process", "container")
_RUNTIMES: Final = ("", "runc", "crun", "runsc")
_IMAGE_CHARACTERS: Final = 16
_CPU: Final = "cpu"
_SETTINGS_BYTES: Final = 1 << 16


def how_to_continue(stored: StoredEvaluation, entries: Sequence[Entry], store: Path) -> str:
    """Return how to continue an evaluation, as a clause that ends without a full stop.

    Args:
        stored: An evaluation that has not ended.
        entries: All that are known; those of other evaluations are passed over.
        store: Folder of the store.
    """
    image = stored.image[:_IMAGE_CHARACTERS]
    options = _recorded_options(stored, store)
    if options is None:
        options = _where_options(stored)
    if options is None or stored.challenge_folder is None:
        return f"repeat the command that began it, with --image {image} if that is not the current image"
    words = [
        *("unlearn", "run", _submission(stored, entries, store)),
        *("-c", _shown(stored.challenge_folder), "-n", str(stored.n)),
        *(["--store", str(store)] if store != DEFAULT_STORE else []),
        *(*options, "--image", image),
    ]
    return f"to continue: {shlex.join(words)}"


def _recorded_options(stored: StoredEvaluation, store: Path) -> list[str] | None:
    """Return the options of the settings that were recorded; None without any that give the name."""
    file = EvaluationPaths(folder=store / stored.id).settings
    try:
        settings = json.loads(read_stored_file(file, max_bytes=_SETTINGS_BYTES))
    except (OSError, ValueError, RecursionError, HostNotReadyError):
        return None
    if not isinstance(settings, dict):
        return None
    where = (str(settings.get("isolation")), str(settings.get("runtime")), str(settings.get("device")))
    if not _is_where(stored, where):
        return None
    return [
        *(["--keep-going"] if settings.get("keep_going") is True else []),
        *(["--keep-checkpoints", "all"] if settings.get("keep_checkpoints") is True else []),
        *_options_of(where),
    ]


def _where_options(stored: StoredEvaluation) -> list[str] | None:
    """Return the options that led to the evaluation's name; None if they are not known, as those of a GPU."""
    for isolation, runtime in product(_ISOLATIONS, _RUNTIMES):
        where = (isolation, runtime, _CPU)
        if _is_where(stored, where):
            return _options_of(where)
    return None


def _options_of(where: WhereRun) -> list[str]:
    isolation, runtime, device = where
    return [
        *(["--isolation", isolation] if isolation != _ISOLATIONS[0] else []),
        *(["--runtime", runtime] if runtime else []),
        *(["--device", device] if device != _CPU else []),
    ]


def _is_where(stored: StoredEvaluation, where: WhereRun) -> bool:
    """Return whether isolation, runtime and device give the evaluation's name."""
    name = evaluation_id(
        submission=stored.submission_sha256,
        challenge=stored.challenge_sha256,
        image=stored.image,
        n=stored.n,
        where=where,
    )
    return name == stored.id


def _submission(stored: StoredEvaluation, entries: Sequence[Entry], store: Path) -> str:
    """Return the path of the last entry that still exists, or else that of the archive in the store."""
    for entry in reversed(entries):
        if entry.evaluation == stored.id and entry.path is not None:
            path = Path(entry.folder or "", entry.path)
            if path.exists():
                return _shown(path)
    return str(archive_path(store, stored.submission_sha256))


def _shown(path: Path) -> str:
    """Return a path as short as it is unambiguous: relative where it is below the current folder."""
    text = os.path.abspath(path)  # noqa: PTH100 - resolve() follows links
    here = str(Path.cwd())
    shown = os.path.relpath(text, here) if text.startswith(f"{here}/") else text
    return f"./{shown}" if shown.startswith("-") else shown
