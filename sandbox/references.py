"""The networks of a challenge: the original, and the references in groups.

All are trained in the same way; the original on retain and forget, the references on retain alone.
Where classes are balanced, each counts them in what it is trained on.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait

import torch
from torch import Tensor

from sandbox.jobs import TrainerJob, original_seed, reference_seed
from sandbox.models import build, layout_of
from sandbox.outputs import outputs_of
from sandbox.recipes.draft import RecipeError
from sandbox.recipes.recipe import Recipe
from sandbox.training import train_stacked

_SIGN_OF_LIFE_SECONDS = 60.0


def train_original(
    recipe: Recipe, seed: int, device: str, on_epoch: Callable[[int], None]
) -> dict[str, Tensor]:
    """Train on retain and forget together, as the network that is to be unlearned was.

    Raises:
        RecipeError: it diverged.
    """
    both = [recipe.splits["retain"], recipe.splits["forget"]]
    (state,) = train_stacked(
        architecture=recipe.architecture,
        classes=recipe.classes,
        images=torch.cat([split["image"] for split in both]).to(device),
        labels=torch.cat([split["label"] for split in both]).to(device),
        seeds=[original_seed(seed)],
        preset=recipe.preset,
        val=_on(device, recipe.splits["val"]),
        on_epoch=on_epoch,
    )
    if not all(tensor.isfinite().all() for tensor in state.values()):
        raise RecipeError(
            "the original network diverged: its weights are not finite; choose a lower learning rate "
            "(--training) or another seed"
        )
    return state


def train_group(
    recipe: Recipe,
    seed: int,
    first: int,
    size: int,
    device: str,
    *,
    on_epoch: Callable[[int], None] = lambda _epoch: None,
) -> bytes:
    """Train the ``size`` references that begin with ``first`` as one network and return their outputs.

    Returns:
        The logits, float32 [group, forget examples, classes], the right answers, int64
        [group, 4, classes], and the losses, float32 [group, test examples], as bytes.
    """
    splits = {name: _on(device, split) for name, split in recipe.splits.items()}
    members = range(first, first + size)
    states = train_stacked(
        architecture=recipe.architecture,
        classes=recipe.classes,
        images=splits["retain"]["image"],
        labels=splits["retain"]["label"],
        seeds=[reference_seed(seed, member) for member in members],
        preset=recipe.preset,
        val=splits["val"],
        on_epoch=on_epoch,
    )
    net = build(recipe.architecture, recipe.classes).to(device)
    found = []
    for state in states:
        net.load_state_dict(state)
        found.append(outputs_of(net, splits, recipe.classes, layout_of(recipe.architecture)))
    parts = zip(*((one.logits, one.correct, one.unseen_losses) for one in found), strict=True)
    return b"".join(torch.stack(part).numpy().tobytes() for part in parts)


def _on(device: str, split: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: split[name].to(device) for name in ("image", "label")}


_recipe: Recipe | None = None
"""Set before the processes are forked, so that they share it."""


def _group_in_a_process(seed: int, first: int, size: int, device: str) -> tuple[int, bytes]:
    assert _recipe is not None
    torch.set_num_threads(1)
    return first, train_group(_recipe, seed, first, size, device)


def groups(
    recipe: Recipe, job: TrainerJob, size: int, sign_of_life: Callable[[], None]
) -> Iterator[tuple[int, bytes]]:
    """Train the groups that the host does not have, and yield each with its first reference."""
    global _recipe  # noqa: PLW0603 - how forked processes come to share it
    _recipe = recipe
    missing = [first for first in range(0, job.references, size) if first not in job.groups_done]
    if not missing:
        return
    if job.device != "cpu":
        for first in missing:  # a forked process could not use the device any more
            yield (
                first,
                train_group(
                    recipe, job.seed, first, size, job.device, on_epoch=lambda _epoch: sign_of_life()
                ),
            )
        return
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(min(job.processes, len(missing)), mp_context=fork) as pool:
        waiting = {pool.submit(_group_in_a_process, job.seed, first, size, job.device) for first in missing}
        while waiting:
            ended, waiting = wait(waiting, _SIGN_OF_LIFE_SECONDS, FIRST_COMPLETED)
            for group in ended:
                yield group.result()
            if not ended:
                sign_of_life()
