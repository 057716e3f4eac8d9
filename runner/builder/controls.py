"""Build the control problems of a challenge: the same plan, each with a secret seed of its own.

The seeds are drawn at random and not derived from the challenge's: whoever knows the seed of a public
challenge, or guesses a typed one, could build the control problems too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from runner.builder.plan import BuildPlan
from runner.builder.seed import choose_seed
from runner.challenge.challenge import Challenge
from runner.challenge.description import Description, render_description
from runner.challenge.layout import DESCRIPTION_FILE, SPLIT_FILES, control_folder
from runner.challenge.load import load_challenge
from runner.errors import ConfigurationError
from runner.files import hash_file, write_atomic
from runner.image.image import Image

_NAME_CHARACTERS: Final = 80


class _SameForgetSetError(ConfigurationError):
    """A control problem has the forget set of its challenge, so nothing could be compared."""


def build_controls(
    plan: BuildPlan, folder: Path, build: Callable[..., Challenge], complete: Description | None = None
) -> list[str] | None:
    """Return the hashes of a challenge's control problems, building those that are missing.

    Args:
        plan: Of the challenge.
        folder: Of the challenge.
        build: Builds a ``plan`` in a ``folder``, or goes on with it (`runner.builder.build.build_challenge`).
        complete: Of the challenge, if it was built before, perhaps by an earlier version.

    Returns:
        None where the plan has none.

    Raises:
        ConfigurationError: the folder of a control problem holds something else, the data and not the
            seed decide what is forgotten, or it was trained otherwise than a complete challenge.
    """
    hashes = []
    for number in range(1, plan.controls + 1):
        place = control_folder(folder, number)
        check = partial(_require_another_forget_set, folder, place)
        check()
        try:
            control = build(plan=control_plan(plan, place, number), folder=place, check_data=check)
        except _SameForgetSetError:
            raise
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{error} {place} is control problem {number} of this challenge: if it was built with other "
                "options, removing that folder builds it again."
            ) from error
        if complete is not None:
            _require_same_training(complete, control)
        hashes.append(control.sha256)
    return hashes or None


def _require_same_training(complete: Description, control: Challenge) -> None:
    """Require that a control problem has the network and the training of a challenge, to be comparable."""
    description, place = control.description, control.folder
    fields = ("architecture", "classes", "training", "batch_size")
    differing = [name for name in fields if getattr(complete, name) != getattr(description, name)]
    if differing:
        raise ConfigurationError(
            f"{place} cannot be compared with its challenge, which an earlier version built with another "
            f"{', '.join(differing).replace('_', ' ')}. The challenge is unchanged: remove {place}. To "
            "have control problems, build the challenge anew in another folder with --controls."
        )


def _require_another_forget_set(folder: Path, place: Path) -> None:
    """Require that a control problem, as far as it is built, forgets something else than its challenge."""
    files = [each / SPLIT_FILES["forget"] for each in (folder, place)]
    if all(file.is_file() for file in files) and hash_file(files[0]) == hash_file(files[1]):
        raise _SameForgetSetError(
            "These data say themselves which examples are forgotten, so control problems would have the "
            f"challenge's forget set: leave --controls out and remove {place.parent}, or let the seed decide."
        )


def with_controls(
    challenge: Challenge,
    plan: BuildPlan,
    build: Callable[..., Challenge],
    *,
    image: Image,
    note: Callable[[str], None],
) -> Challenge:
    """Return a complete challenge with the control problems of a plan: those that it lacks are built.

    Its description changes, and so its hash: evaluations on it are begun anew.

    Args:
        challenge: With fewer control problems than the plan, or as many.
        plan: Of the challenge.
        build: As for `build_controls`.
        image: Trains them.
        note: Receives a sentence if the challenge was trained with another image.

    Raises:
        ConfigurationError: as for `build_controls`; the challenge is unchanged.
    """
    if len(challenge.description.controls or ()) == plan.controls:
        return challenge
    if challenge.description.image != image.digest:
        note(
            f"{challenge.folder} was built with another image than its control problems are now: other "
            "versions of libraries may train slightly other networks. `unlearn show --controls` compares "
            "them; to exclude it, build the challenge anew in another folder with --controls."
        )
    controls = build_controls(plan, challenge.folder, build, challenge.description)
    description = challenge.description.model_copy(update={"controls": controls})
    write_atomic(challenge.folder / DESCRIPTION_FILE, render_description(description))
    return load_challenge(challenge.folder)


def control_plan(plan: BuildPlan, folder: Path, number: int) -> BuildPlan:
    """Return the plan of a control problem; its seed is the one in ``folder``, or else a random one."""
    return replace(
        plan,
        name=f"{plan.name[:_NAME_CHARACTERS]}, control {number}",
        seed=choose_seed(folder, None),
        visibility="private",
        controls=0,
    )
