"""Assignment of examples to splits, by label or by person, decided by the seed alone."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np

from sandbox.protocol.splits import may_share
from sandbox.recipes.api import RecipeError, Rows, Splits

CLASS_SHARES: Final = (0.60, 0.25, 0.15)
"""Of the forget set, by class: as in the contest, it comes from a few classes."""
_TRAIN, _VAL = 0.70, 0.15
"""Shares of all examples if the data has no held-out examples of its own; the rest is test."""
_MIN_CLASS_EXAMPLES: Final = 4
_MAX_DRAWS: Final = 200
_MAX_CLASSES: Final = 100_000
"""What a challenge's description allows."""


def random_state(seed: int) -> np.random.RandomState:
    """Return the generator of all random choices of a recipe."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))


def check_labels(file: str, labels: Rows) -> None:
    """Require labels that count from 0, and enough examples of each class to be in every split.

    Raises:
        RecipeError: a label is negative or too rare; names the first such row of ``file``, counted from 0.
    """
    if not len(labels):
        raise RecipeError(f"{file} has no examples")
    negative = np.flatnonzero(labels < 0)
    if len(negative):
        raise RecipeError(f"{file}, row {negative[0]}: the label {labels[negative[0]]} is negative")
    large = np.flatnonzero(labels >= _MAX_CLASSES)
    if len(large):
        raise RecipeError(
            f"{file}, row {large[0]}: the label {labels[large[0]]} would be one of as many classes; number "
            "the classes from 0, for example with numpy.unique(label, return_inverse=True)"
        )
    classes, first_rows, counts = np.unique(labels, return_index=True, return_counts=True)
    for label, row, examples in zip(classes, first_rows, counts, strict=True):
        if examples < _MIN_CLASS_EXAMPLES:
            raise RecipeError(
                f"{file}, row {row}: the label {label} occurs in {examples} of {len(labels)} rows; "
                f"a class needs at least {_MIN_CLASS_EXAMPLES}"
            )
    if len(classes) < 2:
        raise RecipeError(f"{file} has one class only")


def stratified_order(labels: Rows, state: np.random.RandomState) -> Rows:
    """Return all rows in a random order in which every stretch contains each class in proportion."""
    shuffled = state.permutation(len(labels))
    position = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        position[members] = (np.arange(len(members)) + state.random_sample()) / len(members)
    return np.argsort(position, kind="stable")


def limit_rows(rows: Rows, labels: Rows, max_rows: int | None, state: np.random.RandomState) -> Rows:
    """Return the rows, or ``max_rows`` of them with each class in proportion, in ascending order."""
    if max_rows is None or max_rows >= len(rows):
        return rows
    return np.sort(rows[stratified_order(labels[rows], state)[:max_rows]])


def split_by_label(
    rows: Rows,
    labels: Rows,
    *,
    forget_fraction: float,
    state: np.random.RandomState,
    held_out: Rows | None = None,
) -> dict[str, Rows]:
    """Split rows with each class in proportion, and the forget set from a few classes.

    Args:
        rows: To be split; with ``held_out``, the training examples.
        labels: Of all rows of the data.
        forget_fraction: Share of the training examples to forget.
        state: Source of randomness.
        held_out: Rows to be halved into val and test.
    """
    if held_out is None:
        shuffled = rows[stratified_order(labels[rows], state)]
        first, second = round(_TRAIN * len(rows)), round((_TRAIN + _VAL) * len(rows))
        train, val, test = shuffled[:first], shuffled[first:second], shuffled[second:]
    else:
        shuffled = held_out[stratified_order(labels[held_out], state)]
        train, val, test = rows, shuffled[: len(shuffled) // 2], shuffled[len(shuffled) // 2 :]
    forget = choose_forget_rows(train, labels, forget_fraction, state)
    return _sorted(retain=np.setdiff1d(train, forget), forget=forget, val=val, test=test)


def choose_forget_rows(train: Rows, labels: Rows, fraction: float, state: np.random.RandomState) -> Rows:
    """Return a share of the training rows, from a few classes.

    They are one class for each of `CLASS_SHARES`, drawn again while one of them has too few examples. If
    there are no such classes, they are as many as it takes, and from each comes at most the first share.

    Raises:
        RecipeError: that is less than the share.
    """
    total = round(fraction * len(train))
    candidates, sizes = np.unique(labels[train], return_counts=True)
    shares = np.array(CLASS_SHARES[: len(candidates)])
    counts = [round(share * total) for share in (shares / shares.sum())[:-1]]
    counts.append(total - sum(counts))
    size_of = dict(zip(candidates, sizes, strict=True))
    for _draw in range(_MAX_DRAWS):
        classes = state.choice(candidates, size=len(shares), replace=False)
        if all(count < size_of[label] for label, count in zip(classes, counts, strict=True)):
            break
    else:
        classes = state.permutation(candidates)
        most = [int(CLASS_SHARES[0] * size_of[label]) for label in classes]
        taken = np.minimum(np.cumsum(most), total)
        if taken[-1] < total:
            raise RecipeError(
                f"{total} of {len(train)} training examples would have to be forgotten, but {taken[-1]} "
                f"can be: {CLASS_SHARES[0]:.0%} of each class"
            )
        counts = np.diff(taken, prepend=0).tolist()
    chosen = [
        state.choice(train[labels[train] == label], size=count, replace=False)
        for label, count in zip(classes, counts, strict=True)
    ]
    return np.concatenate(chosen)


def split_train(
    train: Rows,
    labels: Rows,
    persons: Rows | None,
    *,
    forget_fraction: float,
    state: np.random.RandomState,
) -> dict[str, Rows]:
    """Return retain and forget of the training rows; by person if persons are known."""
    if persons is None:
        forget = choose_forget_rows(train, labels, forget_fraction, state)
    else:
        forget = choose_forget_persons(train, persons, forget_fraction, state)
    return {"retain": np.setdiff1d(train, forget), "forget": np.sort(forget)}


def choose_forget_persons(train: Rows, persons: Rows, fraction: float, state: np.random.RandomState) -> Rows:
    """Return the training rows of some persons, about a share of them; ``persons`` is of all rows."""
    people, sizes = np.unique(persons[train], return_counts=True)
    order = state.permutation(len(people))
    count = int(np.searchsorted(np.cumsum(sizes[order]), fraction * len(train))) + 1
    if count >= len(people):
        raise RecipeError(f"{len(people)} persons are too few to forget some of them and retain others")
    return train[np.isin(persons[train], people[order[:count]])]


def split_by_person(
    rows: Rows,
    persons: Rows,
    *,
    forget_fraction: float,
    state: np.random.RandomState,
    shared: bool = False,
) -> dict[str, Rows]:
    """Split rows so that each person's rows are in one split; ``persons`` is of all rows of the data.

    With ``shared``, a person may be in training, val and test, as in the contest, and only retain and
    forget share no person.
    """
    if shared:
        return _split_by_shared_persons(rows, persons, forget_fraction, state)
    people, sizes = np.unique(persons[rows], return_counts=True)
    order = state.permutation(len(people))
    train_share = _TRAIN * len(rows)
    ends = (forget_fraction * train_share, train_share, (_TRAIN + _VAL) * len(rows), np.inf)
    names = ("forget", "retain", "val", "test")
    assigned: dict[str, list[int]] = {name: [] for name in names}
    current, taken = 0, 0
    for number, person in enumerate(order):
        assigned[names[current]].append(people[person])
        taken += sizes[person]
        people_left, splits_left = len(order) - number - 1, len(names) - current - 1
        if taken >= ends[current] or people_left <= splits_left:
            current = min(current + 1, len(names) - 1)
    if not all(assigned.values()):
        raise RecipeError(f"{len(people)} persons are too few for four splits")
    return _sorted(**{name: rows[np.isin(persons[rows], members)] for name, members in assigned.items()})


def _split_by_shared_persons(
    rows: Rows, persons: Rows, fraction: float, state: np.random.RandomState
) -> dict[str, Rows]:
    """Assign rows to training, val and test regardless of person, and forget some persons' training rows."""
    shuffled = state.permutation(rows)
    first, second = round(_TRAIN * len(rows)), round((_TRAIN + _VAL) * len(rows))
    train, val, test = shuffled[:first], shuffled[first:second], shuffled[second:]
    forget = choose_forget_persons(train, persons, fraction, state)
    return _sorted(retain=np.setdiff1d(train, forget), forget=forget, val=val, test=test)


def check_splits(splits: Splits, persons: Rows | None, *, shared: bool = False) -> None:
    """Require that every split has examples, and that no two splits share an example or a person.

    Args:
        splits: To be checked.
        persons: Of all rows of the data; None if they are not known.
        shared: Whether persons may be in several splits, except in both retain and forget.

    Raises:
        RecipeError: a split is empty, or two splits share an example or a person.
    """
    for name, rows in splits.items():
        if not len(rows):
            raise RecipeError(f"no examples are left for {name}")
    for (left, left_rows), (right, right_rows) in combinations(splits.items(), 2):
        common = np.intersect1d(left_rows, right_rows)
        if len(common):
            raise RecipeError(f"row {common[0]} is in {left} and in {right}")
        if persons is not None and not (shared and may_share(left, right)):
            people = np.intersect1d(persons[left_rows], persons[right_rows])
            if len(people):
                raise RecipeError(f"person {people[0]} is in {left} and in {right}")


def _sorted(**splits: Rows) -> dict[str, Rows]:
    return {name: np.sort(splits[name]) for name in ("retain", "forget", "val", "test")}
