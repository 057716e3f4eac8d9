"""The one file of the contest that submissions read: the weight of each class in a loss.

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
    """Return the text of the file: a list with the weight of each class, one over its number of examples.

    The weight of a class without examples is 0.

    Source: ``surf.py`` of the evaluation code that the contest's organizers published in 2024.
    """
    counts = Counter(labels)
    return json.dumps([1 / counts[label] if counts[label] else 0.0 for label in range(classes)])


def write_class_weights(scratch: Path, text: str) -> None:
    """Write the file to the place to which the link in the image points."""
    file = scratch / INPUT / FILE
    file.parent.mkdir(parents=True)
    file.write_text(text)
