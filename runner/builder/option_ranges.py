"""Options of a build whose values make no sense, though a challenge could state them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.challenge.limits import MIN_SUBMISSION_BYTES
from runner.errors import ConfigurationError
from runner.parsers.zip_archive import MAX_ARCHIVE_BYTES
from runner.units import KIB, MIB, size_text

MAX_REFERENCES: Final = 100_000
MIN_WALL_FRACTION: Final = 0.001
MAX_WALL_FRACTION: Final = 1.0
MIN_MEMORY_BYTES: Final = 64 * MIB
MAX_MEMORY_BYTES: Final = 1 << 42


def check_ranges(references: int, limits: Mapping[str, float | None]) -> None:
    """Refuse values outside of any sensible range.

    Args:
        references: Number of references.
        limits: Typed limits by their names in `runner.challenge.limits.Limits`.

    Raises:
        ConfigurationError: names the option and the range.
    """
    if references > MAX_REFERENCES:
        raise ConfigurationError(
            f"--references must be at most {MAX_REFERENCES}, not {references}; 64 to 512 are usual."
        )
    fraction = limits.get("wall_fraction")
    if fraction is not None and fraction > MAX_WALL_FRACTION:
        raise ConfigurationError(
            f"--wall-fraction must be at most {MAX_WALL_FRACTION:g}, not {fraction:g}: with more time than "
            "retraining takes there is no need to unlearn; 0.2 was the contest's."
        )
    if fraction is not None and 0 < fraction < MIN_WALL_FRACTION:
        raise ConfigurationError(
            f"--wall-fraction must be at least {MIN_WALL_FRACTION:g}, not {fraction:g}; 0.2 is usual."
        )
    allowed = limits.get("retraining_fraction")
    if allowed is not None and not MIN_WALL_FRACTION <= allowed <= MAX_WALL_FRACTION:
        raise ConfigurationError(
            f"--retraining-fraction must be from {MIN_WALL_FRACTION:g} to {MAX_WALL_FRACTION:g}, not "
            f"{allowed:g}: what takes as long as retraining is not unlearning; 0.2 was the contest's."
        )
    memory = limits.get("memory_bytes")
    if memory is not None and not MIN_MEMORY_BYTES <= memory <= MAX_MEMORY_BYTES:
        raise ConfigurationError(
            f"--memory-mib must be from {MIN_MEMORY_BYTES // MIB} to {MAX_MEMORY_BYTES // MIB}, not "
            f"{memory / MIB:.0f} ({size_text(int(memory))}); the default is 2048."
        )
    submission = limits.get("submission_bytes")
    if submission is not None and not MIN_SUBMISSION_BYTES <= submission <= MAX_ARCHIVE_BYTES:
        raise ConfigurationError(
            f"--submission-kib must be from {MIN_SUBMISSION_BYTES // KIB} to {MAX_ARCHIVE_BYTES // KIB}, "
            f"not {submission / KIB:.0f}; left out, it is half a checkpoint, and at least 256."
        )
