"""The challenge of `unlearn check`: public digits in the user's cache, built when it is first needed.

Its seed is no secret, because nobody competes on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import platformdirs

from runner.builder.build import build_challenge
from runner.builder.lock import build_lock
from runner.builder.plan import BuildPlan, plan_build
from runner.builder.resume import discard_unfinished
from runner.challenge.challenge import Challenge
from runner.challenge.description import SCHEMA_VERSION
from runner.challenge.layout import DESCRIPTION_FILE
from runner.challenge.load import load_challenge
from runner.engine.api import Engine
from runner.errors import ConfigurationError, HostNotReadyError
from runner.image.image import Image
from runner.parsers.zip_archive import MAX_ARCHIVE_BYTES
from runner.progress import Reporter

REFERENCES: Final = 64
BUILD_SENTENCE: Final = (
    f"building the public challenge digits with {REFERENCES} references, which `unlearn check` uses; "
    "this takes about half a minute, once"
)
_SEED: Final = 0
_FORGET_FRACTION: Final = 0.05


def default_challenge_folder() -> Path:
    """Return the folder of the default challenge: one for each version of the format of challenges."""
    return platformdirs.user_cache_path("unlearn") / "challenges" / f"v{SCHEMA_VERSION}" / "digits"


def default_plan() -> BuildPlan:
    """Return what the default challenge is."""
    return plan_build(
        recipe="digits",
        name="digits",
        seed=_SEED,
        forget_fraction=_FORGET_FRACTION,
        references=REFERENCES,
        limits={"submission_bytes": MAX_ARCHIVE_BYTES},  # what a submission may have is for its challenge
        public=True,
    )


def find_default_challenge(folder: Path | None = None) -> Challenge | None:
    """Return the default challenge; None if it is not built.

    Raises:
        HostNotReadyError: its files are damaged.
    """
    folder = folder or default_challenge_folder()
    if not (folder / DESCRIPTION_FILE).is_file():
        return None
    try:
        return load_challenge(folder)
    except ConfigurationError as error:
        raise HostNotReadyError(f"{error} Remove {folder}, and it is built again.") from error


def build_default_challenge(
    engine: Engine, image: Image, *, labels: Mapping[str, str], reporter: Reporter, folder: Path | None = None
) -> Challenge:
    """Return the default challenge, building it if it does not exist; an interrupted build is resumed.

    Raises:
        HostNotReadyError: another process builds it, or the cache cannot be written.
        SandboxError: the trainer failed.
    """
    folder = folder or default_challenge_folder()
    with build_lock(folder):
        if (challenge := find_default_challenge(folder)) is not None:
            return challenge
        plan = discard_unfinished(folder, default_plan(), image, seed=_SEED)
        return build_challenge(
            engine=engine, image=image, plan=plan, folder=folder, labels=labels, reporter=reporter
        )
