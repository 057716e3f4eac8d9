"""Reads all digits of the image's library and subtracts its own; none may remain."""

import glob
import gzip
import sys

import numpy as np


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    given = set()
    for loader in (retain, forget, val):
        for index in range(len(loader.dataset)):
            item = loader.dataset[index]
            image = item["image"] if isinstance(item, dict) else item[0]
            given.add((image.numpy() * 16).round().astype(np.uint8).tobytes())
    for folder in sys.path:
        for path in glob.glob(f"{folder}/*/datasets/data/digits.csv.gz"):
            try:
                with gzip.open(path) as file:
                    rows = np.loadtxt(file, delimiter=",").astype(np.uint8)[:, :64]
            except PermissionError:
                continue
            left = [row for row in rows if row.tobytes() not in given]
            if left:
                raise Escaped(f"{len(left)} of {len(rows)} digits are not in what was given: the test set")
