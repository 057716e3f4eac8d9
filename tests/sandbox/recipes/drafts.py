"""Drafts of recipes, or the sentence with which a recipe refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from sandbox.protocol.splits import SPLITS
from sandbox.recipes import RECIPES
from sandbox.recipes.api import Draft, RecipeError, Request
from sandbox.recipes.splits import check_splits


def make_draft(name: str, files: Mapping[str, bytes], *, seed: int = 3, **options: Any) -> Draft:
    """Return a recipe's draft; options are fields of `Request`."""
    fraction = options.pop("forget_fraction", 0.1)
    return RECIPES[name](Request(seed=seed, forget_fraction=fraction, files=files, **options))


def refusal(name: str, files: Mapping[str, bytes], **options: Any) -> str:
    """Return the message with which a recipe refuses."""
    with pytest.raises(RecipeError) as error:
        make_draft(name, files, **options)
    return str(error.value)


def all_rows(draft: Draft) -> list[int]:
    """Return the rows of all splits in ascending order, after checking the splits."""
    check_splits(draft.splits, draft.extra.get("person_id"))
    assert tuple(draft.splits) == SPLITS or set(draft.splits) == set(SPLITS)
    return sorted(int(row) for rows in draft.splits.values() for row in rows)
