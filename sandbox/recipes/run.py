"""Run a recipe, and turn whatever it raises into a `RecipeError` that names the organizer's file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from sandbox.recipes.api import Draft, RecipeError, Request

_MESSAGE_CHARACTERS = 200


class _WatchedFiles(Mapping[str, bytes]):
    """Files by path, and the path of the one that was read last."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self.last = ""

    def __getitem__(self, path: str) -> bytes:
        data = self._files[path]
        self.last = path
        return data

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def run_recipe(recipe: Callable[[Request], Draft], request: Request) -> Draft:
    """Return the draft of a recipe.

    Raises:
        RecipeError: the recipe refuses the files, or fails on them in a way that it did not foresee; the
            sandbox works, and repeating the command would change nothing.
    """
    files, watched = _WatchedFiles(request.files), replace(request)
    object.__setattr__(watched, "files", files)  # as they are: a new request would read and copy them
    try:
        return recipe(watched)
    except RecipeError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())[:_MESSAGE_CHARACTERS]
        what = f"{type(error).__name__}: {text}" if text else type(error).__name__
        place = f"{files.last}, the file in work, cannot be used" if files.last else "the data cannot be used"
        raise RecipeError(f"{place} ({what})") from error
