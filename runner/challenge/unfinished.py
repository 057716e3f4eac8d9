"""What an unfinished build holds, read from its folder without changing anything.

``.building/`` exists from the first file of a build until ``challenge.toml`` is written. Commands that need
a complete challenge describe it with this module; `runner.builder` resumes it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from runner.challenge.layout import DESCRIPTION_FILE, control_folder
from runner.errors import ConfigurationError
from runner.files import read_regular_file
from runner.sanitize import sanitize_line
from runner.units import MIB
from runner.wording import noun_for

BUILD_FOLDER: Final = ".building"
PLAN_FILE: Final = f"{BUILD_FOLDER}/plan.json"
"""What is built (`runner.builder.plan.BuildPlan.record`), the options that were typed, and since when."""
FACTS_FILE: Final = f"{BUILD_FOLDER}/facts.json"
GROUP_PREFIX: Final = "group-"
SNAPSHOT_PREFIX: Final = "snapshot."
INCOMPLETE_SUFFIX: Final = ".partly"
_MAX_BYTES: Final = 16 * MIB
DIGEST_CHARACTERS: Final = 16
"""Of an image's digest, in a command: enough to name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedBuild:
    """A build that was begun in a folder and has not ended."""

    folder: Path
    plan: Mapping[str, Any]
    """Content of `PLAN_FILE`; empty if it is missing or damaged."""
    begun: str
    """Local date and time, to the minute."""
    original_is_finished: bool
    finished_references: int
    snapshots: tuple[int, ...]
    """First references of the trainings in progress that have a snapshot; the original is negative."""
    groups: tuple[int, ...]
    """First references of the groups that are finished."""

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is finished yet and no training has a snapshot."""
        return not (self.original_is_finished or self.groups or self.snapshots)

    @property
    def references(self) -> int | None:
        """Return how many references the build is to have; None in plans of earlier versions."""
        count = self._settings.get("references")
        return count if isinstance(count, int) else None

    @property
    def _settings(self) -> dict[str, Any]:
        settings = self.plan.get("settings")
        return settings if isinstance(settings, dict) else {}

    @property
    def image(self) -> str:
        """Return the digest of the image that began the build; empty if it is not known."""
        image = self.plan.get("image")
        return image if isinstance(image, str) else ""

    def describe(self) -> str:
        """Return what the folder holds, as a clause: ``partial holds an unfinished build of idx …``."""
        recipe = f" of {self.plan['recipe']}" if "recipe" in self.plan else ""
        if not self.original_is_finished:
            progress = "the original network is not finished"
        elif self.references is None:
            are = noun_for(self.finished_references, "reference is", "references are")
            progress = f"{self.finished_references} {are} finished"
        else:
            progress = f"{self.finished_references} of {self.references} references are finished"
        if (controls := self._settings.get("controls")) is not None:
            progress += f", and {_complete_controls(self.folder)} of {controls} control problems"
        in_progress = f", {len(self.snapshots)} trainings in progress" if len(self.snapshots) > 1 else ""
        return sanitize_line(
            f"{self.folder} holds an unfinished build{recipe} ({progress}{in_progress}; begun {self.begun})"
        )

    def command(self, *, with_image: bool) -> str | None:
        """Return the command that goes on with the build; None where an earlier version did not record it.

        The seed is no part of it: it is a secret, and the folder stores it.
        """
        arguments, recipe = self.plan.get("arguments"), self.plan.get("recipe")
        if not isinstance(arguments, list) or not isinstance(recipe, str):
            return None
        image = ["--image", self.image[:DIGEST_CHARACTERS]] if with_image and self.image else []
        words = ["unlearn", "challenge", "build", recipe, str(self.folder), *map(str, arguments), *image]
        return shlex.join(words)

    def advice(self, *, with_image: bool) -> str:
        """Return how to go on: a sentence that ends with a command, without a full stop."""
        command = self.command(with_image=with_image)
        if command is not None:
            return f"To go on with it: {command}"
        image = f", with --image {self.image[:DIGEST_CHARACTERS]}" if with_image and self.image else ""
        return f"To go on with it, repeat the command that began it{image}"


def find_unfinished(folder: Path) -> UnfinishedBuild | None:
    """Return the unfinished build in a folder; None if there is none."""
    building = folder / BUILD_FOLDER
    if (folder / DESCRIPTION_FILE).is_file() or not building.is_dir():
        return None
    plan, facts = _read_object(folder / PLAN_FILE), _read_object(folder / FACTS_FILE)
    groups = _numbers(building, GROUP_PREFIX, ".npz")
    size = facts.get("group_size")
    settings = plan.get("settings")
    references = settings.get("references") if isinstance(settings, dict) else None
    end = references if isinstance(references, int) else None
    finished = sum(
        max(0, min(size, end - first) if end is not None else size) if isinstance(size, int) else 1
        for first in groups
    )
    return UnfinishedBuild(
        folder=folder,
        plan=plan,
        begun=_begun(folder, plan),
        original_is_finished=bool(facts),
        finished_references=finished,
        snapshots=_numbers(building, SNAPSHOT_PREFIX, ""),
        groups=groups,
    )


def _complete_controls(folder: Path) -> int:
    """Return how many control problems of an unfinished challenge are complete; they are built in order."""
    number = 0
    while (control_folder(folder, number + 1) / DESCRIPTION_FILE).is_file():
        number += 1
    return number


def _numbers(building: Path, prefix: str, suffix: str) -> tuple[int, ...]:
    """Return the numbers after the prefix in the names of complete files, in ascending order."""
    numbers = set()
    for file in building.glob(f"{prefix}*{suffix}"):
        text = file.name.removeprefix(prefix).split(".")[0]
        if not file.name.endswith(INCOMPLETE_SUFFIX) and text.removeprefix("-").isdecimal():
            numbers.add(int(text))
    return tuple(sorted(numbers))


def _read_object(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_regular_file(file, max_bytes=_MAX_BYTES))
    except (OSError, ValueError, RecursionError, ConfigurationError):
        return {}
    return content if isinstance(content, dict) else {}


def _begun(folder: Path, plan: Mapping[str, Any]) -> str:
    """Return when a build was begun; plans of earlier versions do not say it, but their file's time does."""
    try:
        begun = datetime.fromisoformat(str(plan["begun"])).astimezone()
    except (KeyError, ValueError, OverflowError):
        try:
            begun = datetime.fromtimestamp((folder / PLAN_FILE).stat().st_mtime, UTC).astimezone()
        except (OSError, ValueError, OverflowError):
            return "at an unknown time"
    return f"{begun:%Y-%m-%d %H:%M}"
