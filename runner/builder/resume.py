"""Decide whether a build may go on in a folder: what is finished there is never dropped unasked.

A build goes on only with the inputs that began it. If any differs, the command is refused with the fields
that differ, the command that goes on, and the option that drops what is there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from runner.builder.plan import BuildPlan
from runner.challenge.layout import CONTROLS_FOLDER, DESCRIPTION_FILE
from runner.challenge.unfinished import (
    BUILD_FOLDER,
    DIGEST_CHARACTERS,
    PLAN_FILE,
    UnfinishedBuild,
    find_unfinished,
)
from runner.engine.api import Engine
from runner.errors import ConfigurationError
from runner.image.image import Image, find_images

_OPTIONS: Final = {
    "source.data_sha256": "data",
    "source.most_examples": "limit-examples",
    "source.shared_persons": "shared-persons",
    "source.architecture": "architecture",
    "source.architecture_sha256": "architecture-file",
    "source.epochs": "epochs",
    "source.device": "device",
    "source.mislabelled": "mislabelled",
    "forget_fraction": "forget-fraction",
    "settings.item_format": "items",
    "settings.visibility": "public or private",
    "settings.device": "runs-on",
}
"""Fields of a plan whose option has another name."""
_WITHOUT_VALUES: Final = frozenset({"seed", "source.data_sha256", "source.architecture_sha256"})
"""A seed is a secret, and hashes say nothing."""
_DISCARD: Final = "To drop it and begin anew, add --discard."


def require_resumable(
    folder: Path, plan: BuildPlan, image: Image, *, engine: Engine, keep_networks: bool = False
) -> None:
    """Require that a build of ``plan`` in ``folder`` drops nothing that is finished there.

    Args:
        folder: Folder of the challenge.
        plan: What is to be built.
        image: The image of the trainer.
        engine: Has the image that began the build, perhaps.
        keep_networks: Whether other settings are accepted that do not change the networks.

    Raises:
        ConfigurationError: the folder holds an unfinished build with other inputs, or other files.
    """
    build = find_unfinished(folder)
    if build is None:
        if folder.exists() and not (folder / BUILD_FOLDER).is_dir() and any(folder.iterdir()):
            raise ConfigurationError(f"{folder} is not empty and holds no challenge; choose another folder.")
        return
    if build.is_empty:
        return
    if not build.plan:
        raise ConfigurationError(
            f"{build.describe()} whose plan cannot be read, so it cannot go on. {_DISCARD}"
        )
    differing = differences(build.plan, plan.record(image))
    if not differing:
        return
    networks = [name for name in differing if _changes_networks(name, build, plan)]
    if networks or not keep_networks:
        raise ConfigurationError(_refusal(build, differing, image, engine, networks=networks))


def discard_unfinished(folder: Path, plan: BuildPlan, image: Image, *, seed: int) -> BuildPlan:
    """Remove the unfinished build in ``folder`` if its inputs differ from the plan's; return the plan.

    A build with the same inputs remains, so that repeating an interrupted ``--discard`` goes on.

    Args:
        folder: Folder of the challenge.
        plan: What is to be built.
        image: The image of the trainer.
        seed: Becomes the plan's seed if a build is removed, whose seed the plan may have inherited.

    Raises:
        ConfigurationError: the folder holds a complete challenge.
    """
    if (folder / DESCRIPTION_FILE).exists():
        raise ConfigurationError(
            f"{folder} holds a complete challenge, which --discard does not remove; choose another folder, "
            "or leave --discard out."
        )
    build = find_unfinished(folder)
    if build is None or (build.plan and not differences(build.plan, plan.record(image))):
        return plan
    shutil.rmtree(folder / CONTROLS_FOLDER, ignore_errors=True)  # of the same plan
    empty_build_folder(folder)
    return replace(plan, seed=seed)


def empty_build_folder(folder: Path) -> None:
    """Remove the build state; its folder remains and shows that the other files are an unfinished build's."""
    files = sorted((folder / BUILD_FOLDER).iterdir(), key=lambda file: file.name == Path(PLAN_FILE).name)
    for file in files:  # the plan goes last: what is still there after a crash remains refused
        file.unlink()


def differences(stored: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which two records of plans differ, each with its stored and its new value.

    Settings are compared only where both have them: plans of earlier versions have none.
    """
    left, right = (_flat(json.loads(json.dumps(fields)), "") for fields in (stored, record))
    if "settings" not in stored:
        right = {name: value for name, value in right.items() if not name.startswith("settings.")}
    names = sorted((left.keys() | right.keys()) - {"begun", "arguments"})
    return {name: (left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)}


def _flat(fields: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return nested fields under dotted names, without those that are not set."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, dict) and name != "training":
            flat.update(_flat(value, f"{prefix}{name}."))
        elif isinstance(value, dict):
            flat[prefix + name] = {key: item for key, item in value.items() if item is not None}
        elif value is not None:
            flat[prefix + name] = value
    return flat


def _changes_networks(name: str, build: UnfinishedBuild, plan: BuildPlan) -> bool:
    """Return whether what is finished cannot be used once this field has its new value."""
    if name == "settings.references":
        return max((*build.groups, *build.snapshots), default=-1) >= plan.references
    return not name.startswith("settings.")


def _refusal(
    build: UnfinishedBuild,
    differing: Mapping[str, tuple[Any, Any]],
    image: Image,
    engine: Engine,
    *,
    networks: list[str],
) -> str:
    fields = ", ".join(_difference(name, *values) for name, values in differing.items())
    text = f"{build.describe()} that differs in: {fields}"
    if not networks:
        return (
            f"{text}. The networks that are finished suit these options too: to take the options and keep "
            f"the networks, add --keep-networks. {_DISCARD} {build.advice(with_image=False)}"
        )
    if "image" not in networks:
        return f"{text}. {_DISCARD} {build.advice(with_image=False)}"
    if build.image and find_images(engine, build.image):
        return (
            f"{text}. The image has changed in mid-build, but the one that began it is still here. "
            f"{_DISCARD} {build.advice(with_image=True)}"
        )
    return (
        f"{text}. The image has changed in mid-build, and the one that began it is not on this engine: only "
        "the version of unlearn that built that image can build it again, with: unlearn image build. "
        f"{_DISCARD} {build.advice(with_image=True)}"
    )


def _difference(name: str, stored: object, new: object) -> str:
    option = _OPTIONS.get(name, name.rpartition(".")[2].replace("_", "-"))
    if name in _WITHOUT_VALUES or isinstance(stored, dict) or isinstance(new, dict):
        return option
    return f"{option} ({_value(stored)} there, {_value(new)} here)"


def _value(value: object) -> str:
    return "not set" if value is None else str(value)[:DIGEST_CHARACTERS]
