"""The one file of the contest that entries read: how much each class weighs in a loss.

It lies in a folder of the run's own, which the image's ``/kaggle/input`` leads to from the run's current
folder: the run may change it, and no other run sees that.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

INPUT: Final = ".kaggle-input"
"""Below the run's scratch folder; the Dockerfile makes the link."""
FILE: Final = "neurips-2023-machine-unlearning/age_class_weights.json"


def class_weights(labels: Iterable[int], classes: int) -> str:
    """Return the file's text: a list of one weight a class, one over the number of its examples.

    A class without any example weighs 0.

    Source: ``surf.py`` of the evaluation code that the contest's organizers published in 2024.
    """
    counts = Counter(labels)
    return json.dumps([1 / counts[label] if counts[label] else 0.0 for label in range(classes)])


def lay_out(scratch: Path, text: str) -> None:
    """Write the file where the link in the image leads to."""
    file = scratch / INPUT / FILE
    file.parent.mkdir(parents=True)
    file.write_text(text)
