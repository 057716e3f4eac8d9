"""The table of recipe facts agrees with the modules that hold the details."""

from __future__ import annotations

import pytest

from runner.builder.download import ARCHIVES
from runner.builder.plan import default_limits
from runner.challenge.limits import Limits
from sandbox.protocol.recipe_files import TABLES, select_files
from sandbox.protocol.recipes import DOWNLOADABLE_RECIPES, PERSON_RECIPES, RECIPES


def test_every_downloadable_recipe_has_an_archive() -> None:
    """The host knows address and hash of exactly the data that the table calls downloadable."""
    assert set(DOWNLOADABLE_RECIPES) == set(ARCHIVES)


def test_only_arrays_and_faces_name_persons() -> None:
    """The error message of --shared-persons lists these two."""
    assert PERSON_RECIPES == ("arrays", "faces")


@pytest.mark.parametrize("recipe", RECIPES)
def test_default_limits_are_fields_of_limits(recipe: str) -> None:
    """The table's limits pass the strict checks of `Limits`, and nothing else changes."""
    expected = {**Limits().model_dump(), **RECIPES[recipe].default_limits}
    assert default_limits(recipe).model_dump() == expected


@pytest.mark.parametrize("recipe", RECIPES)
def test_files_are_selected_only_where_the_table_states_it(recipe: str) -> None:
    """A note beside the data is sent to every recipe except those that select files by name."""
    names = [*TABLES.values(), "notes.txt"]
    assert ("notes.txt" in select_files(recipe, names)) is RECIPES[recipe].reads_every_file
