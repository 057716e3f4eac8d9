"""Which example goes into which split, by label or by person, decided by the seed alone."""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np

from sandbox.protocol.splits import may_share
from sandbox.recipes.api import RecipeError, Rows, Splits

CLASS_SHARES: Final = (0.60, 0.25, 0.15)
"""Of the forget set, by class: as in the contest, it lies in a few of them."""
_TRAIN, _VAL = 0.70, 0.15
"""Shares of all examples where training and held-out ones do not come apart; the rest is for test."""
_LEAST_OF_A_CLASS: Final = 4


def random_state(seed: int) -> np.random.RandomState:
    """Return the generator that all of a recipe's choices come from."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))


def check_labels(file: str, labels: Rows) -> None:
    """Require classes that count from 0 and hold enough examples to be in every split.

    Raises:
        RecipeError: one does not; the first such row of ``file`` is named, counted from 0.
    """
    if not len(labels):
        raise RecipeError(f"{file} holds no examples")
    negative = np.flatnonzero(labels < 0)
    if len(negative):
        raise RecipeError(f"{file}, row {negative[0]}: the label {labels[negative[0]]} is negative")
    found, first, count = np.unique(labels, return_index=True, return_counts=True)
    for label, row, examples in zip(found, first, count, strict=True):
        if examples < _LEAST_OF_A_CLASS:
            raise RecipeError(
                f"{file}, row {row}: the label {label} stands on {examples} of {len(labels)} rows; "
                f"a class needs at least {_LEAST_OF_A_CLASS}"
            )
    if len(found) < 2:
        raise RecipeError(f"{file} holds one class only")


def stratified_order(labels: Rows, state: np.random.RandomState) -> Rows:
    """Return all rows in a random order of which every stretch holds each class in proportion."""
    shuffled = state.permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        place[members] = (np.arange(len(members)) + state.random_sample()) / len(members)
    return np.argsort(place, kind="stable")


def at_most(rows: Rows, labels: Rows, most: int | None, state: np.random.RandomState) -> Rows:
    """Return the rows, or ``most`` of them with each class in proportion, in ascending order."""
    if most is None or most >= len(rows):
        return rows
    return np.sort(rows[stratified_order(labels[rows], state)[:most]])


def by_label(
    rows: Rows,
    labels: Rows,
    *,
    forget_fraction: float,
    state: np.random.RandomState,
    held_out: Rows | None = None,
) -> dict[str, Rows]:
    """Split rows with each class in proportion, and the forget set from a few classes.

    Args:
        rows: To be split; the training examples alone where there are ``held_out`` ones.
        labels: Of all rows there are.
        forget_fraction: Share of the training examples to forget.
        state: Where chance comes from.
        held_out: To be halved into val and test.
    """
    if held_out is None:
        dealt = rows[stratified_order(labels[rows], state)]
        first, second = round(_TRAIN * len(rows)), round((_TRAIN + _VAL) * len(rows))
        train, val, test = dealt[:first], dealt[first:second], dealt[second:]
    else:
        dealt = held_out[stratified_order(labels[held_out], state)]
        train, val, test = rows, dealt[: len(dealt) // 2], dealt[len(dealt) // 2 :]
    forget = forget_rows(train, labels, forget_fraction, state)
    return _sorted(retain=np.setdiff1d(train, forget), forget=forget, val=val, test=test)


def forget_rows(train: Rows, labels: Rows, fraction: float, state: np.random.RandomState) -> Rows:
    """Return a share of the training rows, from as many classes as there are `CLASS_SHARES`."""
    wanted = round(fraction * len(train))
    there = np.unique(labels[train])
    shares = np.array(CLASS_SHARES[: len(there)])
    classes = state.choice(there, size=len(shares), replace=False)
    counts = [round(share * wanted) for share in (shares / shares.sum())[:-1]]
    counts.append(wanted - sum(counts))
    chosen = []
    for label, count in zip(classes, counts, strict=True):
        members = train[labels[train] == label]
        if count >= len(members):
            raise RecipeError(f"class {label} has {len(members)} examples; {count} were to be forgotten")
        chosen.append(state.choice(members, size=count, replace=False))
    return np.concatenate(chosen)


def by_person(
    rows: Rows,
    persons: Rows,
    *,
    forget_fraction: float,
    state: np.random.RandomState,
    shared: bool = False,
) -> dict[str, Rows]:
    """Split rows so that all of a person's are in one split; ``persons`` is of all rows there are.

    Persons who are ``shared`` may be in training, val and test alike, as in the contest, and only retain
    and forget are kept apart.
    """
    if shared:
        return _by_person_in_training(rows, persons, forget_fraction, state)
    there, sizes = np.unique(persons[rows], return_counts=True)
    order = state.permutation(len(there))
    train_share = _TRAIN * len(rows)
    ends = (forget_fraction * train_share, train_share, (_TRAIN + _VAL) * len(rows), np.inf)
    names = ("forget", "retain", "val", "test")
    dealt: dict[str, list[int]] = {name: [] for name in names}
    place, taken = 0, 0
    for number, person in enumerate(order):
        dealt[names[place]].append(there[person])
        taken += sizes[person]
        people_left, splits_left = len(order) - number - 1, len(names) - place - 1
        if taken >= ends[place] or people_left <= splits_left:
            place = min(place + 1, len(names) - 1)
    if not all(dealt.values()):
        raise RecipeError(f"{len(there)} persons are too few for four splits")
    return _sorted(**{name: rows[np.isin(persons[rows], chosen)] for name, chosen in dealt.items()})


def _by_person_in_training(
    rows: Rows, persons: Rows, fraction: float, state: np.random.RandomState
) -> dict[str, Rows]:
    """Deal rows to training, val and test whoever is on them, and forget some persons' rows of training."""
    dealt = state.permutation(rows)
    first, second = round(_TRAIN * len(rows)), round((_TRAIN + _VAL) * len(rows))
    train, val, test = dealt[:first], dealt[first:second], dealt[second:]
    there, sizes = np.unique(persons[train], return_counts=True)
    order = state.permutation(len(there))
    enough = int(np.searchsorted(np.cumsum(sizes[order]), fraction * len(train))) + 1
    if enough >= len(there):
        raise RecipeError(f"{len(there)} persons are too few to forget some of them and retain others")
    forgotten = np.isin(persons[train], there[order[:enough]])
    return _sorted(retain=train[~forgotten], forget=train[forgotten], val=val, test=test)


def check_splits(splits: Splits, persons: Rows | None, *, shared: bool = False) -> None:
    """Require that every split has examples, and no two splits an example or a person in common.

    Args:
        splits: To be checked.
        persons: Of all rows there are; None where they are not known.
        shared: Whether persons may be in several splits, retain and forget together excepted.

    Raises:
        RecipeError: they do not.
    """
    for name, rows in splits.items():
        if not len(rows):
            raise RecipeError(f"no examples are left for {name}")
    for (one, left), (other, right) in combinations(splits.items(), 2):
        common = np.intersect1d(left, right)
        if len(common):
            raise RecipeError(f"row {common[0]} is in {one} and in {other}")
        if persons is not None and not (shared and may_share(one, other)):
            known = np.intersect1d(persons[left], persons[right])
            if len(known):
                raise RecipeError(f"person {known[0]} is in {one} and in {other}")


def _sorted(**splits: Rows) -> dict[str, Rows]:
    return {name: np.sort(splits[name]) for name in ("retain", "forget", "val", "test")}
