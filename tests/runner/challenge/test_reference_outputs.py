"""The outputs of the references: three arrays of the right type and shape, and never a pickle."""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from runner.challenge.layout import REFERENCES_FILE
from runner.challenge.outputs import OutputShapes, unpack_outputs
from runner.parsers.npz import ArraysError

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder
from tests.support.npy import npy, npz
from tests.support.untrusted.challenge_files import refused_challenge

LOGITS, CORRECT = np.zeros((3, 3, 2), np.float32), np.zeros((3, 4, 2), np.int64)

LOSSES = np.zeros((3, 2), np.float32)


@pytest.mark.parametrize(
    ("logits", "correct", "losses"),
    [
        (LOGITS[:2], CORRECT, LOSSES),
        (LOGITS[:, :2], CORRECT, LOSSES),
        (LOGITS[:, :, :1], CORRECT, LOSSES),
        (LOGITS[0], CORRECT, LOSSES),
        (LOGITS, CORRECT[:2], LOSSES),
        (LOGITS, CORRECT[:, :3], LOSSES),
        (LOGITS, CORRECT[:, :, :1], LOSSES),
        (LOGITS, CORRECT[0], LOSSES),
        (CORRECT, LOGITS, LOSSES),
        (LOGITS, CORRECT, LOSSES[:2]),
        (LOGITS, CORRECT, LOSSES[:, :1]),
        (LOGITS, CORRECT, LOSSES[0]),
    ],
)
def test_references_of_the_wrong_shape(
    challenge_folder: ChallengeFolder, logits: Any, correct: Any, losses: Any
) -> None:
    """Each reference has one row, with a number for each forget example, split, class and test example."""
    challenge_folder.write(REFERENCES_FILE, npz(logits=logits, correct=correct, unseen_losses=losses))
    sentence = refused_challenge(challenge_folder.describe())
    assert re.search(r"references\.npz cannot be used: \w+ is <\w\d \[[\d, ]*\], not <\w\d \[", sentence)


def test_too_few_references(challenge_folder: ChallengeFolder) -> None:
    """The three arrays must have as many rows as the description has references."""
    fewer = npz(logits=LOGITS[:2], correct=CORRECT[:2], unseen_losses=LOSSES[:2])
    challenge_folder.write(REFERENCES_FILE, fewer)
    assert "references.npz has 2 references, not 3" in refused_challenge(challenge_folder.describe())


class _Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("a pickle was executed",))


BOMB = np.empty(1, dtype=object)

BOMB[0] = _Bomb()

DAMAGED = {
    "pickled array": npz(logits=BOMB, correct=CORRECT, unseen_losses=LOSSES),
    "pickle": pickle.dumps(_Bomb()),
    "no logits": npz(correct=CORRECT, unseen_losses=LOSSES),
    "no correct": npz(logits=LOGITS, unseen_losses=LOSSES),
    "no losses": npz(logits=LOGITS, correct=CORRECT),
    "garbage": b"garbage" * 100,
    "cut": npz(logits=LOGITS, correct=CORRECT, unseen_losses=LOSSES)[:-40],
    "text": npz(logits=np.array(["1"]), correct=CORRECT, unseen_losses=LOSSES),
    "text as numbers": npz(logits=LOGITS.astype("U3"), correct=CORRECT, unseen_losses=LOSSES),
    "complex": npz(logits=LOGITS.astype(np.complex64), correct=CORRECT, unseen_losses=LOSSES),
    "dates": npz(logits=LOGITS.astype("M8[s]"), correct=CORRECT, unseen_losses=LOSSES),
    "big-endian": npz(logits=LOGITS.astype(">f4"), correct=CORRECT, unseen_losses=LOSSES),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_references_that_are_no_npz(challenge_folder: ChallengeFolder, data: bytes) -> None:
    """Pickles are refused and never executed, like everything else that is not an npz of numbers."""
    challenge_folder.write(REFERENCES_FILE, data)
    assert f"{REFERENCES_FILE} cannot be used" in refused_challenge(challenge_folder.describe())


@pytest.mark.parametrize("data", [b"", npy(LOGITS)], ids=["empty", "npy"])
def test_references_of_another_kind(data: bytes) -> None:
    """An empty file, or a single array, is refused like any other damage."""
    with pytest.raises(ArraysError):
        unpack_outputs(data, OutputShapes(examples=3, classes=2, unseen=2), stacked=True)
