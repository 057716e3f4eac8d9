"""Check a competition before it opens: its challenges load, and go together with its phases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.challenge.challenge import Challenge
from runner.challenge.controls import load_controls
from runner.challenge.exports import noted_exports
from runner.challenge.load import load_challenge
from runner.challenge.seeds import has_guessable_seed
from runner.competition.competition import Competition
from runner.competition.phase import Phase
from runner.errors import ConfigurationError
from runner.wording import quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPhase:
    """A phase whose challenges were loaded."""

    phase: Phase
    challenges: tuple[Challenge, ...]
    """In the order in which the phase names them."""


def check_phases(folder: Path, competition: Competition) -> list[CheckedPhase]:
    """Return all phases with their challenges, after checking every file of these.

    Args:
        folder: Of the competition.
        competition: From that folder.

    Raises:
        ConfigurationError: a challenge cannot be used, or not in this phase.
    """
    loaded: dict[str, Challenge] = {}
    phases = []
    for phase in competition.phases:
        for path in phase.challenges:
            if path not in loaded:
                try:
                    loaded[path] = load_challenge(folder / path)
                    load_controls(loaded[path])
                except ConfigurationError as error:
                    raise ConfigurationError(f"Phase {phase.name}: {error}") from error
        challenges = tuple(loaded[path] for path in phase.challenges)
        for challenge in challenges:
            _require_usable(phase, challenge)
        phases.append(CheckedPhase(phase=phase, challenges=challenges))
    _require_fresh_final(phases)
    return phases


def require_scores(competition: Competition, least: int) -> None:
    """Require that the evaluations of every phase have a score.

    Args:
        competition: Whose phases state how many runs their evaluations have.
        least: With fewer runs there is none.

    Raises:
        ConfigurationError: a phase has fewer.
    """
    for phase in competition.phases:
        if phase.runs < least:
            raise ConfigurationError(
                f"Phase {phase.name}: with {quantity(phase.runs, 'run')} nothing gets a score; state runs = "
                f"{least} or more."
            )


def _require_usable(phase: Phase, challenge: Challenge) -> None:
    description, start = challenge.description, f"Phase {phase.name}: {challenge.folder}"
    if description.held_back:
        raise ConfigurationError(
            f"{start} is an export without references, so nothing can be scored on it; name the "
            "challenge that it was exported from."
        )
    if description.device == "cuda" and phase.device != "cuda":
        raise ConfigurationError(
            f'{start} needs a GPU; write device = "cuda" in the phase, or build it again.'
        )
    if description.visibility == "public" and phase.kind != "practice":
        raise ConfigurationError(
            f"{start} is public: everybody has its references and can hand in outputs that suit them. A "
            f"phase of kind {phase.kind} needs a private challenge."
        )
    images = description.image_config
    if phase.image_config is not None and images and phase.image_config not in images.values():
        raise ConfigurationError(
            f"{start} was built with the image {next(iter(images.values()))}, and the phase states "
            f"{phase.image_config}."
        )


def _require_fresh_final(phases: Sequence[CheckedPhase]) -> None:
    """Refuse a final on a challenge of an earlier phase, under whatever path."""
    earlier: dict[str, str] = {}
    for checked in phases:
        for challenge in checked.challenges:
            source = earlier.get(challenge.sha256)
            if checked.phase.kind == "final" and source is not None:
                raise ConfigurationError(
                    f"Phase {checked.phase.name}: {challenge.folder} is the challenge of phase {source}; a "
                    "final needs challenges that nobody has been scored on."
                )
            earlier.setdefault(challenge.sha256, checked.phase.name)


def competition_remarks(
    competition: Competition, phases: Sequence[CheckedPhase], now: datetime
) -> Iterator[str]:
    """Yield what an organizer should know before the competition opens, a sentence each.

    Args:
        competition: Whose dates count.
        phases: All of it.
        now: The present moment.

    Raises:
        HostNotReadyError: a note of a challenge's exports cannot be read.
    """
    for checked in phases:
        phase = checked.phase
        start = f"phase {phase.name}"
        if competition.closes(phase) <= now:
            yield f"{start} is over already"
        elif competition.opens(phase) <= now:
            yield f"{start} is open already"
        if phase.kind != "final" and phase.quota.per_day is None:
            yield f"{start} has no quota.per_day, so a team can hand in without end"
        if phase.kind != "final" and phase.quota.failed_per_day is None:
            yield f"{start} has no quota.failed_per_day: entries that fail cost a team nothing"
        if phase.kind != "practice" and phase.image_config is None:
            yield f"{start} has no image_config: an upgrade of the image in the middle would go unnoticed"
        for challenge in checked.challenges:
            if has_guessable_seed(challenge.description):
                yield f"{start}: the seed of {challenge.folder} can be guessed, and with it its references"
            if phase.kind != "practice" and (exports := noted_exports(challenge.folder)):
                yield (
                    f"{start}: {challenge.folder} was exported at {exports[0]}; whoever has that can retrain "
                    "networks at home, so scores on it can be had by heart"
                )
            if phase.kind == "practice" and challenge.description.visibility == "private":
                yield f"{start}: {challenge.folder} is private, so nobody can practise on it at home"
    for names in _phases_by_challenge(phases).values():
        if len(names) > 1:
            yield f"phases {' and '.join(names)} have the same challenge"


def _phases_by_challenge(phases: Sequence[CheckedPhase]) -> Mapping[str, list[str]]:
    by_hash: dict[str, list[str]] = {}
    for checked in phases:
        for challenge in checked.challenges:
            by_hash.setdefault(challenge.sha256, []).append(checked.phase.name)
    return by_hash
