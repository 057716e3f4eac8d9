"""Looks through the contest's input folder first, as notebooks there begin."""

import json
import os
from collections import Counter


def unlearning(net, retain, forget, val):
    found = [os.path.join(folder, name) for folder, _, names in os.walk("/kaggle/input") for name in names]
    assert found == ["/kaggle/input/neurips-2023-machine-unlearning/age_class_weights.json"], found
    with open(found[0]) as file:
        told = {int(group): count for group, count in json.load(file).items()}
    assert told == Counter(item["age_group"] for split in (retain, forget) for item in split.dataset)
