"""The one file of the contest that submissions read: how many examples each class has.

The file is in a folder that belongs to the run. The image's ``/kaggle/input`` is a link to that folder,
relative to the run's current folder: the run may change the file, and no other run sees the change.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

INPUT: Final = ".kaggle-input"
"""Path below the run's scratch folder; the Dockerfile creates the link."""
FILE: Final = "neurips-2023-machine-unlearning/age_class_weights.json"


def class_weights(labels: Iterable[int], classes: int) -> str:
    """Return the text of the file: an object with the number of examples of each class, by its number.

    A class without examples has the number 1, since entries divide by it. The contest's own file is not
    available. This is the form that the public entries of 2023 read: they take the reciprocal of each number
    as the weight of its class.
    """
    counts = Counter(labels)
    return json.dumps({str(label): max(1, counts[label]) for label in range(classes)})


def write_class_weights(scratch: Path, text: str) -> None:
    """Write the file to the place to which the link in the image points."""
    file = scratch / INPUT / FILE
    file.parent.mkdir(parents=True)
    file.write_text(text)
