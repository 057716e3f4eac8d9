"""Observations of a challenge's build: the recipe's notes, the original's accuracy, time and memory.

It is kept beside the challenge and is no part of its hash, since times differ from build to build. Nothing is
judged by it, so a missing or damaged file only means that nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.challenge.layout import BUILD_FACTS_FILE
from runner.errors import ConfigurationError
from runner.files import read_regular_file
from runner.sanitize import sanitize_line
from runner.units import MIB

_MAX_NOTES: Final = 100


class BuildFacts(BaseModel):
    """Observations of a build; each may be unknown."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    notes: Annotated[tuple[str, ...], Field(max_length=_MAX_NOTES)] = ()
    """What the organizer should know about the data, such as files that were not read."""
    original_accuracy: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    """Share of the examples of each split that the original network gets right."""
    epoch_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Time of one epoch of the original network's training, on one thread of the machine that built it."""
    training_bytes: Annotated[int, Field(ge=0)] | None = None
    """Memory that this training took at its peak, besides torch and the data."""

    @classmethod
    def of_trainer(cls, facts: Mapping[str, Any], *, file_note: str | None = None) -> Self:
        """Return the observations in a trainer's facts; earlier images send fewer of them.

        Nothing is judged by them, so of odd facts only the notes are taken.

        Args:
            facts: As the trainer sent them.
            file_note: The host's own note on the organizer's files.
        """
        notes = facts.get("notes")
        sentences = _shown([*([file_note] if file_note else []), *(notes if isinstance(notes, list) else [])])
        try:
            return cls(
                notes=sentences,
                original_accuracy=_accuracies(facts),
                epoch_seconds=facts.get("epoch_seconds"),
                training_bytes=facts.get("training_bytes"),
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return cls(notes=sentences)

    def to_bytes(self) -> bytes:
        """Return the content of `BUILD_FACTS_FILE`."""
        return self.model_dump_json(indent=1).encode() + b"\n"


def read_build_facts(folder: Path) -> BuildFacts:
    """Return what is known of a challenge's build; nothing is, if the file is missing or damaged."""
    try:
        data = read_regular_file(folder / BUILD_FACTS_FILE, max_bytes=MIB)
        facts = BuildFacts.model_validate_json(data)
    except (OSError, ValidationError, ConfigurationError):
        return BuildFacts()
    return facts.model_copy(update={"notes": _shown(facts.notes)})


def _accuracies(facts: Mapping[str, Any]) -> dict[str, float]:
    """Return the original's accuracy by split; nothing if it is not among the facts."""
    right = facts.get("original_correct")
    if right is None:
        return {}
    return {split: right[split] / sum(counts) for split, counts in facts["class_counts"].items()}


def _shown(notes: Sequence[object]) -> tuple[str, ...]:
    return tuple(sanitize_line(str(sentence)) for sentence in notes[:_MAX_NOTES])
