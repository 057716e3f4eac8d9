"""The plan of a challenge: what is to be built, from options that are checked together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from pydantic import ValidationError

from runner.builder.data_files import OrganizerData
from runner.builder.option_ranges import check_ranges
from runner.challenge.architecture import ArchitectureFile
from runner.challenge.description import (
    Description,
    Feedback,
    RunDevice,
    Source,
    Visibility,
)
from runner.challenge.limits import (
    DEFAULT_WALL_FRACTION,
    DEFAULT_WALL_SECONDS,
    LONG_TRAINING_EPOCHS,
    TIME_FIELDS,
    Limits,
)
from runner.challenge.probes import ProbeChoice, ProbeSettings, choose_probes
from runner.challenge.training import TrainingChoice
from runner.engine.placement import CPU
from runner.errors import ConfigurationError
from runner.image.image import Image
from runner.units import MIB
from runner.validation import first_problem
from sandbox.protocol.architecture_names import unknown_architecture
from sandbox.protocol.jobs import FILE_ARCHITECTURE
from sandbox.protocol.probes import RELEARNED, version_of
from sandbox.protocol.recipes import DOWNLOADABLE_RECIPES, PERSON_RECIPES, RECIPES

ItemFormat = Literal["dict", "tuple"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPlan:
    """What is to be built."""

    recipe: str
    name: str
    seed: int
    forget_fraction: float
    references: int
    item_format: ItemFormat
    limits: Limits
    feedback: Feedback = "full"
    visibility: Visibility = "private"
    device: RunDevice = "cpu"
    """The device that runs need."""
    source: Source = field(default_factory=Source)
    architecture_file: ArchitectureFile | None = None
    """The organizer's own network; its hash is part of ``source``."""
    controls: int = 0
    """Number of control problems."""
    has_default_time_limit: bool = False
    """Whether the time limit of a run was left out."""
    probes: ProbeChoice = "cheap"

    def probe_settings(self) -> ProbeSettings | None:
        """Return what is recorded of networks besides their outputs, where they allow it."""
        return choose_probes(self.probes, self.seed)

    def record(self, image: Image) -> dict[str, Any]:
        """Return the inputs of the build as JSON: what determines its networks, and its ``settings``."""
        return {
            "recipe": self.recipe,
            "source": self.source.model_dump(),
            "seed": self.seed,
            "forget_fraction": self.forget_fraction,
            "image": image.digest,
            "probes": self._probes_record(),
            "settings": {
                "references": self.references,
                "item_format": self.item_format,
                "feedback": self.feedback,
                "visibility": self.visibility,
                "device": self.device,
                "limits": self.limits.model_dump(),
                "controls": self.controls or None,  # plans of earlier versions have none
            },
        }

    def _probes_record(self) -> str | None:
        settings = self.probe_settings()
        return None if settings is None else f"{self.probes}, version {version_of(settings.kinds)}"

    def with_data(self, data: OrganizerData) -> BuildPlan:
        """Return the plan with the hash of the organizer's files."""
        return replace(self, source=self.source.model_copy(update={"data_sha256": data.sha256}))


def plan_build(
    *,
    recipe: str,
    name: str,
    seed: int,
    forget_fraction: float,
    references: int,
    item_format: ItemFormat = "dict",
    limits: Mapping[str, float | None] | None = None,
    feedback: Feedback = "full",
    public: bool = False,
    runs_on: RunDevice = "cpu",
    has_data: bool = False,
    download: bool = False,
    max_examples: int | None = None,
    shared_persons: bool = False,
    architecture: str | None = None,
    architecture_file: ArchitectureFile | None = None,
    training: TrainingChoice | None = None,
    epochs: int | None = None,
    train_device: str = CPU,
    controls: int = 0,
    probes: ProbeChoice = "cheap",
    mislabelled: int = 0,
) -> BuildPlan:
    """Return the plan that options describe; it has no hash of data yet (`BuildPlan.with_data`).

    Reads no file, so that mistakes are reported before anything is downloaded or hashed.

    Args:
        recipe: Name of the recipe.
        name: Name of the challenge.
        seed: Seed of the challenge.
        forget_fraction: Share of the training examples to forget.
        references: Number of retrained networks.
        item_format: Form of the items that a submission sees.
        limits: Typed limits by their names in `Limits`; None for the recipe's default.
        feedback: What participants are shown of their runs.
        public: Whether an export contains everything.
        runs_on: The device that runs need.
        has_data: Whether the organizer named files.
        download: Whether the recipe's published archive is used instead.
        max_examples: Maximum number of examples, all splits together.
        shared_persons: Whether a person may be in several splits.
        architecture: Name of a network, in place of the recipe's.
        architecture_file: The organizer's own network, in place of the recipe's.
        training: The organizer's choice of training.
        epochs: Epochs, in place of the training's.
        train_device: The device that networks are trained on.
        controls: Number of control problems.
        probes: What is recorded of networks besides their outputs.
        mislabelled: How many forget examples get a wrong label.

    Raises:
        ConfigurationError: the recipe or the architecture does not exist, two options exclude each other, or
            a limit is invalid or makes no sense.
    """
    _check_recipe(recipe, has_data=has_data, download=download, shared_persons=shared_persons)
    check_ranges(references, limits or {})
    typed = limits or {}
    has_time_limit = any(typed.get(name) is not None for name in TIME_FIELDS)
    defaults = default_limits(recipe, runs_on)
    if not has_time_limit and _retrains_for_minutes(recipe, max_examples, training, epochs):
        defaults = defaults.with_changes(wall_fraction=DEFAULT_WALL_FRACTION)
    if mislabelled and probes == "none":
        raise ConfigurationError(
            "--mislabelled needs probes, which record the examples; leave --probes none out."
        )
    if architecture is not None and (reason := unknown_architecture(architecture)) is not None:
        raise ConfigurationError(f"--architecture: {reason}.")
    return BuildPlan(
        recipe=recipe,
        name=name,
        seed=seed,
        forget_fraction=forget_fraction,
        references=references,
        item_format=item_format,
        limits=_limits(defaults, typed),
        has_default_time_limit=not has_time_limit,
        feedback=feedback,
        visibility="public" if public else "private",
        device=runs_on,
        source=Source(
            most_examples=max_examples,
            shared_persons=shared_persons or None,
            architecture=architecture if architecture_file is None else FILE_ARCHITECTURE,
            architecture_sha256=architecture_file.sha256 if architecture_file is not None else None,
            training=training,
            epochs=epochs,
            device=None if train_device == CPU else "cuda",
            mislabelled=mislabelled or None,
        ),
        architecture_file=architecture_file,
        controls=controls,
        probes=probes,
    )


def _retrains_for_minutes(
    recipe: str, max_examples: int | None, training: TrainingChoice | None, epochs: int | None
) -> bool:
    chosen = epochs or (training.epochs if training is not None else None) or LONG_TRAINING_EPOCHS
    return RECIPES[recipe].retrains_for_minutes and max_examples is None and chosen >= LONG_TRAINING_EPOCHS


def _check_recipe(recipe: str, *, has_data: bool, download: bool, shared_persons: bool) -> None:
    if recipe not in RECIPES:
        raise ConfigurationError(f"There is no recipe {recipe!r}; choose one of: {', '.join(RECIPES)}.")
    facts = RECIPES[recipe]
    if download and (has_data or not facts.is_downloadable):
        raise ConfigurationError(
            f"Use --download for {', '.join(DOWNLOADABLE_RECIPES)} only, and without --data."
        )
    if has_data and facts.embeds_data:
        raise ConfigurationError(f"The recipe {recipe} brings its own data; leave --data out.")
    if not has_data and not download and not facts.embeds_data:
        raise ConfigurationError(f"The recipe {recipe} reads your files; name them with --data.")
    if shared_persons and not facts.names_persons:
        raise ConfigurationError(
            f"--shared-persons is for {' and '.join(PERSON_RECIPES)}: the data of {recipe} name no persons."
        )


_LIMIT_OPTIONS: Final = {"memory_bytes": "--memory-mib", "submission_bytes": "--submission-kib"}
"""Options of `challenge build` that are not named after their limit."""
_GPU_MEMORY_BYTES: Final = 4096 * MIB


def _limits(defaults: Limits, typed: Mapping[str, float | None]) -> Limits:
    try:
        return defaults.with_changes(**{name: value for name, value in typed.items() if value is not None})
    except ValidationError as error:
        name, separator, problem = first_problem(error, root="limits").partition(": ")
        option = _LIMIT_OPTIONS.get(name, f"--{name.replace('_', '-')}" if name in typed else name)
        raise ConfigurationError(f"{option}{separator}{problem}.") from error


def matches_plan(description: Description, plan: BuildPlan, *, checkpoint_bytes: int) -> bool:
    """Return whether a complete challenge is what a plan would build, with so many control problems or fewer.

    Earlier versions wrote no limit of submissions and no fraction of retraining, unless they were typed, and
    had a default time limit in seconds for all recipes, and no probes.
    """
    sized = plan.limits.with_default_submission_bytes(checkpoint_bytes)
    limits = [plan.limits, sized, sized.with_default_retraining_fraction(description.training.epochs)]
    if plan.has_default_time_limit:
        limits += [each.with_changes(wall_seconds=DEFAULT_WALL_SECONDS) for each in limits[:2]]
    return (
        description.recipe == plan.recipe
        and description.source == plan.source
        and description.seed == plan.seed
        and description.forget_fraction == plan.forget_fraction
        and description.references == plan.references
        and description.item_format == plan.item_format
        and description.limits in limits
        and description.feedback == plan.feedback
        and description.visibility == plan.visibility
        and description.device == plan.device
        and description.exported_from is None
        and len(description.controls or ()) <= plan.controls
        and _has_probes_of(description, plan)
    )


def _has_probes_of(description: Description, plan: BuildPlan) -> bool:
    settings = plan.probe_settings()
    if settings is None or description.probes is None:
        return description.probes is None and plan.probes != "relearning"
    relearning = (RELEARNED in probes.kinds for probes in (settings, description.probes))
    return description.probes.is_part_of(settings) and len(set(relearning)) == 1


def default_limits(recipe: str, runs_on: RunDevice = CPU) -> Limits:
    """Return the limits of a recipe's challenge unless options change them.

    A run on a GPU gets more memory: the pages of CUDA's libraries, 2 GB, count as its container's.
    """
    limits = Limits(**RECIPES[recipe].default_limits)
    return limits if runs_on == CPU else limits.with_changes(memory_bytes=_GPU_MEMORY_BYTES)
