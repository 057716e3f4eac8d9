"""Data that would make a score meaningless are refused by file and row; the rest causes warnings only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save

from runner.challenge.layout import SPLIT_FILES
from runner.challenge.load import load_challenge
from runner.challenge.split_checks import (
    BadSplitError,
    Column,
    SplitDigest,
    check_split,
    check_splits,
    duplicate_warnings,
    empty_class_warnings,
    shared_person_warnings,
)
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder

KINDS = {np.dtype(np.float32): "F32", np.dtype(np.int64): "I64", np.dtype(np.float64): "F64"}
COUNTS = [1, 2]


def columns(**changed: NDArray[Any] | None) -> dict[str, Column]:
    """Return the columns of a valid split of three rows; a change of None removes a column."""
    found: Mapping[str, NDArray[Any] | None] = {
        "image": np.arange(12, dtype=np.float32).reshape(3, 1, 2, 2),
        "label": np.array([0, 1, 1]),
        "image_id": np.array([5, 6, 7]),
        **changed,
    }
    return {
        name: Column(dtype=KINDS[values.dtype], shape=values.shape, data=values.tobytes())
        for name, values in found.items()
        if values is not None
    }


def digest(split: str = "retain", **changed: NDArray[Any] | None) -> SplitDigest:
    return check_split(columns(**changed), split=split, file=SPLIT_FILES[split], class_counts=COUNTS)


def other(split: str = "test", **changed: NDArray[Any] | None) -> SplitDigest:
    """Return a split that shares no row with `digest`."""
    image = np.arange(100, 112, dtype=np.float32).reshape(3, 1, 2, 2)
    return digest(split, **{"image": image, "image_id": np.array([15, 16, 17]), **changed})


def not_finite(value: float) -> NDArray[np.float32]:
    image = np.zeros((3, 1, 2, 2), np.float32)
    image[2, 0, 1, 0] = value
    return image


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"image": None}, "it has no column image"),
    ({"label": None}, "it has no column label"),
    ({"colour": np.zeros(3, np.int64)}, "it has an unknown column: colour"),
    (
        {"image": np.zeros((3, 1, 2, 2))},
        "image is F64 [3, 1, 2, 2], not F32 [examples, channels, height, width]",
    ),
    (
        {"image": np.zeros((3, 4), np.float32)},
        "image is F32 [3, 4], not F32 [examples, channels, height, width]",
    ),
    (
        {"image": np.zeros((3, 0, 2, 2), np.float32)},
        "image is F32 [3, 0, 2, 2], not F32 [examples, channels, height, width]",
    ),
    ({"label": np.zeros(3, np.float32)}, "label is F32 [3], not I64 [3]"),
    ({"label": np.zeros(2, np.int64)}, "label is I64 [2], not I64 [3]"),
    ({"age": np.zeros((3, 1), np.int64)}, "age is I64 [3, 1], not I64 [3]"),
    ({"person_id": np.zeros(4, np.int64)}, "person_id is I64 [4], not I64 [3]"),
    ({"image_id": np.zeros(3)}, "image_id is F64 [3], not I64 [3]"),
    ({"label": np.array([0, 1, 2])}, "row 2 has the label 2, but there are only 2 classes"),
    ({"label": np.array([0, -1, 1])}, "row 1 has the label -1, but there are only 2 classes"),
    ({"label": np.array([0, 0, 1])}, "it has 2 examples of class 0, but class_counts states 1"),
    ({"image": not_finite(np.nan)}, "row 2 has an image with values that are not finite"),
    ({"image": not_finite(-np.inf)}, "row 2 has an image with values that are not finite"),
]


@pytest.mark.parametrize(("changed", "sentence"), REFUSED, ids=[sentence for _changed, sentence in REFUSED])
def test_invalid_splits_are_refused(
    challenge_folder: ChallengeFolder, changed: dict[str, Any], sentence: str
) -> None:
    """Each fault is one sentence; loading adds the file."""
    with pytest.raises(BadSplitError, match=f"^{re.escape(sentence)}$"):
        digest(**changed)
    sound = load_safetensors((challenge_folder.folder / SPLIT_FILES["forget"]).read_bytes())
    found = {name: values for name, values in {**sound, **changed}.items() if values is not None}
    challenge_folder.write(SPLIT_FILES["forget"], save(found))
    folder = challenge_folder.describe()
    with pytest.raises(ConfigurationError) as caught:
        load_challenge(folder)
    assert str(caught.value) == f"{folder / SPLIT_FILES['forget']} is damaged: {sentence}."


def test_a_name_in_a_file_is_sanitized() -> None:
    """The name of a column is untrusted, and is sanitized in the message."""
    strange = {**columns(), "a\x1b[2J\nb": columns()["label"]}
    with pytest.raises(BadSplitError, match="unknown column") as caught:
        check_split(strange, split="val", file="val", class_counts=COUNTS)
    assert str(caught.value).isprintable()


PEOPLE = np.array([40, 41, 42])


@pytest.mark.parametrize(
    ("one", "two", "sentence"),
    [
        (
            digest(),
            other(image=np.zeros((3, 1, 2, 3), np.float32)),
            "images are [1, 2, 2] in public/retain.safetensors and [1, 2, 3] in private/test.safetensors",
        ),
        (
            digest(),
            other(image_id=None),
            "public/retain.safetensors has a column image_id, private/test.safetensors has not",
        ),
        (
            digest(),
            other(person_id=PEOPLE),
            "private/test.safetensors has a column person_id, public/retain.safetensors has not",
        ),
        (
            digest(),
            other(image_id=np.array([9, 10, 6])),
            "image_id 6 is in public/retain.safetensors, row 1, and in private/test.safetensors, row 2",
        ),
        (
            digest(person_id=PEOPLE),
            other("forget", person_id=np.array([42, 43, 43])),
            "person_id 42 is in public/retain.safetensors, row 2, and in public/forget.safetensors, row 0",
        ),
    ],
)
def test_splits_share_no_example_and_no_person(one: SplitDigest, two: SplitDigest, sentence: str) -> None:
    """Splits share no example and no person, and have the same columns."""
    with pytest.raises(BadSplitError, match=f"^{re.escape(sentence)}$"):
        check_splits([one, two])


@pytest.mark.parametrize(
    ("one", "two", "refused"),
    [("retain", "forget", True), ("retain", "test", False), ("forget", "val", False), ("val", "test", False)],
)
def test_persons_who_may_be_shared(one: str, two: str, *, refused: bool) -> None:
    """As in the contest, all splits but retain and forget may share persons if the organizer allows it."""
    both = [digest(one, person_id=PEOPLE), other(two, person_id=PEOPLE)]
    with pytest.raises(BadSplitError, match=r"^person_id 40 is in"):
        check_splits(both)
    with pytest.raises(BadSplitError, match=r"^person_id 40 is in") if refused else nullcontext():
        check_splits(both, shared_persons=True)


def test_persons_to_be_forgotten_in_other_splits_cause_a_warning() -> None:
    """The warning counts them for each split; no person, or no column of persons, causes no warning."""
    forget = digest("forget", person_id=np.array([40, 41, 41]))
    test, val = (
        other("test", person_id=np.array([41, 41, 50])),
        other("val", person_id=np.array([60, 61, 62])),
    )
    assert list(shared_person_warnings([forget, val, test])) == [
        "1 of 2 persons to be forgotten are also in test"
    ]
    assert not list(shared_person_warnings([digest("forget"), other("test")]))


def test_overlapping_splits_are_refused_when_loaded(challenge_folder: ChallengeFolder) -> None:
    """A challenge whose forget and test splits share an image_id is refused."""
    sound = load_safetensors((challenge_folder.folder / SPLIT_FILES["test"]).read_bytes())
    challenge_folder.write(SPLIT_FILES["test"], save({**sound, "image_id": np.array([77, 12])}))
    folder = challenge_folder.describe()
    with pytest.raises(ConfigurationError) as caught:
        load_challenge(folder)
    assert str(caught.value) == (
        f"The challenge at {folder} is not valid: image_id 12 is in public/forget.safetensors, row 2, and in "
        "private/test.safetensors, row 1."
    )


def test_a_person_may_occur_twice_in_a_split() -> None:
    """A forget set contains several images of each person."""
    check_splits([digest(person_id=np.array([1, 1, 2])), other(person_id=np.array([3, 3, 3]))])


def test_splits_without_identities_are_compared_by_form_alone() -> None:
    """`image_id` and `person_id` are optional."""
    check_splits([digest(image_id=None), other(image_id=None)])


def test_equal_images_cause_a_warning(challenge_folder: ChallengeFolder) -> None:
    """A forget image in retain, and a test image in the training data, only cause warnings."""
    splits = {
        name: load_safetensors((challenge_folder.folder / file).read_bytes())
        for name, file in SPLIT_FILES.items()
    }
    splits["forget"]["image"][2] = splits["retain"]["image"][1]
    splits["test"]["image"][0] = splits["forget"]["image"][0]
    for name in ("forget", "test"):
        challenge_folder.write(SPLIT_FILES[name], save(splits[name]))
    assert load_challenge(challenge_folder.describe()).warnings == (
        "1 of 3 forget images are also in retain "
        "(the first: public/forget.safetensors, row 2, is public/retain.safetensors, row 1)",
        "1 of 2 test images are also in retain or forget "
        "(the first: private/test.safetensors, row 0, is public/forget.safetensors, row 0)",
    )


def test_no_warning_without_a_cause(challenge_folder: ChallengeFolder) -> None:
    """Val may repeat training images: it is not used for scores."""
    assert load_challenge(challenge_folder.describe()).warnings == ()
    assert list(duplicate_warnings([digest(), digest("val"), other("forget"), digest("val")])) == []


@given(
    retain=arrays(np.float32, (4, 1, 1, 2), elements=st.integers(0, 2)),
    forget=arrays(np.float32, (3, 1, 1, 2), elements=st.integers(0, 2)),
)
def test_images_are_found_equal_as_by_comparing_each_with_each(
    retain: NDArray[np.float32], forget: NDArray[np.float32]
) -> None:
    """The hashes of rows give the result of a slow comparison."""
    one = check_split(
        columns(image=retain, label=np.zeros(4, np.int64), image_id=None),
        split="retain",
        file="retain",
        class_counts=[4, 0],
    )
    two = check_split(
        columns(image=forget, label=np.zeros(3, np.int64), image_id=None),
        split="forget",
        file="forget",
        class_counts=[3, 0],
    )
    pairs = [(a, b) for a in range(3) for b in range(4) if (forget[a] == retain[b]).all()]
    found = list(duplicate_warnings([one, two]))
    if not pairs:
        assert found == []
        return
    (sentence,) = found
    assert sentence == (
        f"{len({a for a, _b in pairs})} of 3 forget images are also in retain "
        f"(the first: forget, row {pairs[0][0]}, is retain, row {pairs[0][1]})"
    )


@given(st.permutations(range(12)), st.data())
def test_what_is_disjoint_is_accepted_and_what_is_shared_is_found(
    order: list[int], data: st.DataObject
) -> None:
    """A shared number is detected in any row."""
    first, second = np.array(order[:3]), np.array(order[3:6])
    check_splits([digest(image_id=first), other(image_id=second)])
    here, there = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))
    second[there] = first[here]
    with pytest.raises(BadSplitError, match=rf"row {here}, and in .*, row {there}$"):
        check_splits([digest(image_id=first), other(image_id=second)])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 8,
        b"\xff" * 8 + b"{}",
        (1 << 20).to_bytes(8, "little") + b"{" + b" " * (1 << 20),
        save({"image": np.zeros((3, 1, 2, 2), np.float32), "label": np.array([0, 1, 1])}) + b"\x00",
    ],
    ids=["empty", "no header", "length of 2^64", "long header", "trailing byte"],
)
def test_a_split_that_is_no_safetensors(challenge_folder: ChallengeFolder, data: bytes) -> None:
    """The header is bounded before it is read, and no byte may follow the tensors."""
    challenge_folder.write(SPLIT_FILES["val"], data)
    folder = challenge_folder.describe()
    with pytest.raises(ConfigurationError, match="is damaged: ") as caught:
        load_challenge(folder)
    assert str(caught.value).startswith(str(folder / SPLIT_FILES["val"]))


def test_an_original_with_values_that_are_not_finite(challenge_folder: ChallengeFolder) -> None:
    """An original with values that are not finite is refused: no submission could match it."""
    challenge_folder.write("public/original.safetensors", save({"bias": np.array([np.nan], np.float32)}))
    with pytest.raises(ConfigurationError, match=r"is damaged: bias has values that are not finite\.$"):
        load_challenge(challenge_folder.describe())


def test_no_images_are_kept_in_memory() -> None:
    """A digest of many images is small: a large challenge is read split by split."""
    image = np.zeros((1000, 3, 32, 32), np.float32)
    found = check_split(
        columns(image=image, label=np.zeros(1000, np.int64), image_id=np.arange(1000)),
        split="retain",
        file="retain",
        class_counts=[1000],
    )
    kept = found.labels.nbytes + sum(map(len, found.row_hashes))
    assert kept + sum(values.nbytes for values in found.identities.values()) < image.nbytes // 100
    assert replace(found, split="val").image_shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("totals", "sentences"),
    [
        ([3, 1], []),
        ([0, 3, 1], ["class 0 has no examples"]),
        ([3, 1, 0, 2, 0], ["classes 2 and 4 have no examples"]),
        ([1] + [0] * 200 + [1], ["classes 1, 2, 3, 4, 5, 6, 7, 8, 9 and 191 more have no examples"]),
    ],
)
def test_classes_without_examples(totals: list[int], sentences: list[str]) -> None:
    """Labels from 1, or with gaps, leave classes empty; a class in one split only is not empty."""
    splits = [totals, [0] * len(totals)]
    assert list(empty_class_warnings(splits)) == sentences
    assert list(empty_class_warnings([])) == []
    assert list(empty_class_warnings([[1, 0], [0, 1]])) == []
