"""Whatever a recipe raises on an organizer's files is a refusal that names the file in work."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from sandbox.recipes.api import Draft, RecipeError, Request
from sandbox.recipes.run import run_recipe
from tests.sandbox.recipes.drafts import make_draft
from tests.support import recipe_data

FILES = {"a.bin": b"a", "b.bin": b"b", "c.bin": b"c"}


class DecompressionBombError(Exception):
    """As Pillow's: neither an OSError nor a ValueError."""


def failing(error: Exception, *read: str) -> Callable[[Request], Draft]:
    """Return a recipe that reads files, then raises."""

    def recipe(request: Request) -> Draft:
        assert sorted(request.files) == sorted(FILES)
        for path in read:
            assert request.files[path] == FILES[path]
        raise error

    return recipe


def refusal(recipe: Callable[[Request], Draft]) -> str:
    with pytest.raises(RecipeError) as caught:
        run_recipe(recipe, Request(seed=1, forget_fraction=0.1, files=FILES))
    return str(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        DecompressionBombError("Image size (400000000 pixels) exceeds limit"),
        struct.error("unpack requires a buffer of 4 bytes"),
        MemoryError(),
        RecursionError("maximum recursion depth exceeded"),
        IndexError("index 9 is out of bounds"),
        KeyError("label"),
        EOFError(),
        AssertionError("a bug of the recipe"),
        OverflowError("too large"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_exception_names_the_file_in_work(error: Exception) -> None:
    """The last file that was read, and the type and message of the exception."""
    text = refusal(failing(error, "c.bin", "b.bin"))
    assert text.startswith("b.bin, the file in work, cannot be used (")
    assert type(error).__name__ in text
    assert "\n" not in text


def test_before_any_file_the_data_are_named() -> None:
    """A recipe may fail on the names alone, or without files at all."""
    assert refusal(failing(ValueError("x"))) == "the data cannot be used (ValueError: x)"


def test_a_recipes_own_refusal_is_unchanged() -> None:
    """It names file and row itself."""
    assert refusal(failing(RecipeError("a.bin, line 3: no"), "a.bin")) == "a.bin, line 3: no"


def test_an_interruption_is_not_a_refusal() -> None:
    """Nor is the end of the process."""
    for ending in (KeyboardInterrupt(), SystemExit(3)):

        def recipe(_request: Request, ending: BaseException = ending) -> Draft:
            raise ending

        with pytest.raises(type(ending)):
            run_recipe(recipe, Request(seed=1, forget_fraction=0.1))


def test_a_recipe_that_works_gives_the_same_draft() -> None:
    """Iteration, membership and access by path are those of a dictionary."""
    from sandbox.recipes import RECIPES

    files = recipe_data.mnist()
    draft = run_recipe(RECIPES["idx"], Request(seed=3, forget_fraction=0.1, files=files))
    expected = make_draft("idx", files)
    assert (draft.images == expected.images).all()
    assert (draft.splits["forget"] == expected.splits["forget"]).all()
