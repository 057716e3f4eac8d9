"""Some forget examples get a wrong label; everything else stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from sandbox.recipes.api import Draft, RecipeError
from sandbox.recipes.mislabel import mislabel
from tests.sandbox.recipes.drafts import make_draft


@pytest.fixture(scope="module")
def draft() -> Draft:
    return make_draft("digits", {})


@pytest.mark.parametrize("count", [1, 7, 30])
def test_so_many_forget_examples_have_another_label(draft: Draft, count: int) -> None:
    """One of the data's classes; the marks are the rows of the forget set that changed, and no others did."""
    changed, positions = mislabel(draft, count, 5)
    assert len(positions) == count
    assert positions == sorted(set(positions))
    rows = draft.splits["forget"][positions]
    assert sorted(rows) == np.flatnonzero(changed.labels != draft.labels).tolist()
    assert set(changed.labels) <= set(draft.labels)
    assert changed.splits is draft.splits
    assert changed.images is draft.images


def test_the_seed_decides(draft: Draft) -> None:
    """The same examples and labels each time; others with another seed."""
    first, again, other = (mislabel(draft, 20, seed) for seed in (1, 1, 2))
    assert first[1] == again[1] != other[1]
    assert (first[0].labels == again[0].labels).all()
    wrong = first[0].labels[draft.splits["forget"][first[1]]]
    assert len(set(wrong)) > 3, "wrong labels are of many classes"


def test_none_changes_nothing(draft: Draft) -> None:
    """As in a challenge of an earlier version, to the bit."""
    same, positions = mislabel(draft, 0, 1)
    assert same is draft
    assert positions == []


def test_more_than_half_is_refused(draft: Draft) -> None:
    """The forget set would no longer be one of typical examples."""
    forget = len(draft.splits["forget"])
    mislabel(draft, forget // 2, 1)
    with pytest.raises(RecipeError, match=rf"more than half of the forget set, which has {forget} examples"):
        mislabel(draft, forget // 2 + 1, 1)
