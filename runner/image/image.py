"""Find the image for the present inputs, and remove the ones that it superseded.

There are three digests, because three things change at different speeds: ``deps`` from the base image,
the Dockerfile and the lock file; ``extras`` from that and the lock file of the small libraries; ``sandbox``
from that and the files of ``sandbox/``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from runner.checkout import next_step
from runner.engine.api import Engine
from runner.errors import HostNotReadyError
from runner.image.inputs import DEFAULT_INPUTS, ImageInputs
from runner.image.platform import AMD64, platform_of
from runner.image.torch_wheels import TorchWheels

REPOSITORY: Final = "unlearn-sandbox"
SELECTED_REPOSITORY: Final = "unlearn-selected"
"""Its tags, one for each version of this project, name the images that are used in place of built ones."""
DEPS_REPOSITORY: Final = "unlearn-deps"
BASE_REPOSITORY: Final = "unlearn-base"
BASE_TAG: Final = "python3.11-bookworm"
DIGEST_LABEL: Final = "org.unlearn.inputs"
STAGE_LABEL: Final = "org.unlearn.stage"
BASE_LABEL: Final = "org.unlearn.base"
TORCH_LABEL: Final = "org.unlearn.torch"
"""Of an image with wheels of torch from another package index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The image that containers are started from."""

    digest: str
    """SHA-256 of all its inputs, in hex."""
    identity: str
    """The engine's own digest of the built image."""
    platform: str = field(default="", compare=False)
    """``linux/amd64``; empty where the engine does not report it."""
    config: str = field(default="", compare=False)
    """Digest of its configuration, the same on every machine: it covers all content. Empty if not known."""
    references: tuple[str, ...] = field(default=(), compare=False)
    """Its names in registries, by digest."""

    @property
    def tag(self) -> str:
        """Return the image's name in the engine."""
        return f"{REPOSITORY}:{self.digest[:16]}"


def find_image(engine: Engine, inputs: ImageInputs = DEFAULT_INPUTS) -> Image | None:
    """Return the image of this version: the selected one, else the one built here; None if there is none."""
    return _find_selected_image(engine, inputs) or find_built_image(engine, inputs)


def find_built_image(engine: Engine, inputs: ImageInputs = DEFAULT_INPUTS) -> Image | None:
    """Return the image for the present inputs on this engine's base; None if it is not built."""
    base = engine.images.identity(f"{BASE_REPOSITORY}:{BASE_TAG}")
    if base is None:
        return None
    return image_with(engine, inputs_on_base(engine, inputs).image_digest(base))


def image_with(engine: Engine, digest: str) -> Image | None:
    """Return the image whose inputs have a digest; None if the engine has none."""
    return _image_called(engine, f"{REPOSITORY}:{digest[:16]}", digest)


def _image_called(engine: Engine, tag: str, digest: str) -> Image | None:
    identity = engine.images.identity(tag)
    if identity is None:
        return None
    facts = engine.images.facts(tag)
    architecture = facts.get("architecture")
    return Image(
        digest=digest,
        identity=identity,
        platform=f"linux/{architecture}" if architecture else "",
        config=str(facts.get("config", "")),
        references=tuple(sorted(name for name in facts.get("names", []) if "@" in name)),
    )


def inputs_on_base(engine: Engine, inputs: ImageInputs) -> ImageInputs:
    """Return the inputs for the platform of this engine's base image, which exists."""
    facts = engine.images.facts(f"{BASE_REPOSITORY}:{BASE_TAG}")
    return replace(inputs, platform=platform_of(facts.get("architecture") or AMD64.architecture))


def _find_selected_image(engine: Engine, inputs: ImageInputs) -> Image | None:
    name = _selected_name(inputs)
    if engine.images.identity(name) is None:
        return None
    facts = engine.images.facts(name)
    image = image_with(engine, digest_of(facts))
    return image if image is not None and has_present_inputs(facts, inputs) else None


def _selected_name(inputs: ImageInputs) -> str:
    return f"{SELECTED_REPOSITORY}:{inputs.version_digest()[:16]}"


def select_image(engine: Engine, image: Image, inputs: ImageInputs = DEFAULT_INPUTS) -> None:
    """Use an image of this version from now on; the one that is built by default needs no name for that."""
    name = _selected_name(inputs)
    if image == find_built_image(engine, replace(inputs, torch=None)):
        engine.images.remove(name)
    else:
        engine.images.tag(image.tag, *name.split(":"))


def digest_of(facts: Mapping[str, Any]) -> str:
    """Return the digest of inputs that an image claims; "" if it claims none."""
    digest = str(facts["labels"].get(DIGEST_LABEL, ""))
    return digest if re.fullmatch("[0-9a-f]{64}", digest) else ""


def has_present_inputs(facts: Mapping[str, Any], inputs: ImageInputs = DEFAULT_INPUTS) -> bool:
    """Return whether the digest that an image claims is that of the present inputs on the base that it names.

    Args:
        facts: What the engine knows of it.
        inputs: Of this version; platform and wheels of torch are taken from the image.
    """
    try:
        expected = inputs_of(facts, inputs).image_digest(str(facts["labels"].get(BASE_LABEL, "")))
    except HostNotReadyError:  # no wheels for its platform, or this version has no lock file of it
        return False
    return expected == digest_of(facts)


def inputs_of(facts: Mapping[str, Any], inputs: ImageInputs) -> ImageInputs:
    """Return the inputs that an image of this version was built from, by its platform and labels.

    Raises:
        HostNotReadyError: its platform is none of ours, or its label of torch is damaged.
    """
    platform = platform_of(facts.get("architecture") or AMD64.architecture)
    label = facts["labels"].get(TORCH_LABEL)
    torch = TorchWheels.of_label(str(label)) if label is not None else None
    if label is not None and torch is None:
        raise HostNotReadyError(f"The label {TORCH_LABEL} of the image is damaged.")
    return replace(inputs, platform=platform, torch=torch)


def find_images(engine: Engine, digest_prefix: str) -> list[Image]:
    """Return the images that are built, current or earlier, whose digest starts with ``digest_prefix``."""
    images = []
    for tag in engine.images.tags(REPOSITORY):
        digest = digest_of(engine.images.facts(tag))
        if digest.startswith(digest_prefix) and (image := _image_called(engine, tag, digest)) is not None:
            images.append(image)
    return images


def require_image(engine: Engine, inputs: ImageInputs = DEFAULT_INPUTS) -> Image:
    """Return the image for the current inputs.

    Raises:
        HostNotReadyError: it is not built.
    """
    image = find_image(engine, inputs)
    if image is None:
        raise HostNotReadyError(
            f"The image is not built, or its inputs have changed; {next_step('unlearn image build')}"
        )
    return image


def require_image_by_digest(engine: Engine, digest_prefix: str) -> Image:
    """Return the image that an evaluation or an unfinished build needs, by the beginning of its digest.

    Raises:
        HostNotReadyError: none is built with such a digest, or several are.
    """
    images = find_images(engine, digest_prefix)
    if len(images) != 1:
        how_many = f"{len(images)} images have" if images else "No image here has"
        raise HostNotReadyError(
            f"{how_many} a digest that starts with {digest_prefix!r}; `unlearn list` shows which image an "
            "evaluation needs, `unlearn challenge show` which one an unfinished build needs, and only the "
            "version of unlearn that built an image can build it again."
        )
    return images[0]


def remove_superseded_images(engine: Engine, inputs: ImageInputs = DEFAULT_INPUTS) -> int:
    """Remove all images but the present ones, and return how many were removed.

    Building does not do this: an evaluation can be resumed, and verified, only with its own image.
    """
    images = [image for image in (find_image(engine, inputs), find_built_image(engine, inputs)) if image]
    present = {image.tag for image in images}
    if (base := engine.images.identity(f"{BASE_REPOSITORY}:{BASE_TAG}")) is not None:
        present |= _stage_tags(inputs_on_base(engine, inputs), base)
    for image in images:
        facts = engine.images.facts(image.tag)
        present |= _stage_tags(inputs_of(facts, inputs), str(facts["labels"].get(BASE_LABEL, "")))
    superseded = {tag for name in (REPOSITORY, DEPS_REPOSITORY) for tag in engine.images.tags(name)} - present
    for tag in superseded:
        names = engine.images.facts(tag).get("names", [])
        for name in {*names, tag} - present:  # those of a registry too: it is removed with its last name
            engine.images.remove(name)
    return len(superseded)


def _stage_tags(inputs: ImageInputs, base: str) -> set[str]:
    """Return the names of the images that an image with these inputs was built on."""
    deps = inputs.deps_digest(base)
    return {f"{DEPS_REPOSITORY}:{digest[:16]}" for digest in (deps, inputs.extras_digest(deps))}
