"""What file managers add to a folder is no data, for any recipe and in any place."""

from __future__ import annotations

import numpy as np
import pytest

from sandbox.protocol.clutter import is_clutter
from sandbox.protocol.recipe_files import select_files
from sandbox.protocol.recipes import RECIPES
from tests.sandbox.recipes.drafts import make_draft
from tests.support import recipe_data

CLUTTER = (
    *(".DS_Store", "x/.DS_Store", "Thumbs.db", "x/thumbs.db", "desktop.ini", "ehthumbs.db"),
    *("$RECYCLE.BIN/a.png", "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "System Volume Information/x"),
)
OWN = recipe_data.npz(**recipe_data.own_arrays())


def resource_fork(name: str) -> tuple[str, str]:
    """Return the names that a Mac gives a file's second half, next to it and in its zip files."""
    folder, _slash, base = name.rpartition("/")
    return f"{folder}/._{base}".lstrip("/"), f"__MACOSX/{name}"


@pytest.mark.parametrize(
    ("recipe", "files"),
    [
        ("idx", recipe_data.mnist()),
        ("arrays", {"own.npz": OWN}),
        ("cifar10", recipe_data.cifar_python()),
        ("cifar10", recipe_data.cifar_binary()),
    ],
)
def test_recipes_pass_over_clutter(recipe: str, files: dict[str, bytes]) -> None:
    """With it or without, a folder gives the same draft."""
    cluttered = {**files, **dict.fromkeys(CLUTTER, b"clutter")}
    for name in files:
        cluttered.update(dict.fromkeys(resource_fork(name), b"\0\5\x16\7"))
    draft, plain = make_draft(recipe, cluttered), make_draft(recipe, files)
    assert np.array_equal(draft.images, plain.images)
    assert np.array_equal(draft.labels, plain.labels)


def test_clutter_in_an_archive() -> None:
    """Archives that a Mac packed hold both halves of each file."""
    files = recipe_data.cifar_python()
    halves = {f"__MACOSX/{name}": b"\0\5\x16\7" for name in files}
    draft = make_draft("cifar10", {"a.tar": recipe_data.tar_archive({**files, **halves}, "w")})
    assert len(draft.labels) == 300


@pytest.mark.parametrize("recipe", [*RECIPES, "own"])
def test_clutter_stays_on_the_host(recipe: str) -> None:
    """It is not even sent, whatever the recipe."""
    names = ["a/1.png", "Age_Gender.txt"]
    forks = [fork for name in names for fork in resource_fork(name)]
    assert select_files(recipe, [*names, *forks, *CLUTTER]) == sorted(names)


def test_data_are_no_clutter() -> None:
    """A name that only resembles one of these is read."""
    for name in ("_1.png", "a._b.png", "thumbs.db.png", "desktop/1.png", "x/data_batch_1", "a/.hidden"):
        assert not is_clutter(name)
