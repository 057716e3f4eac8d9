"""Recipes ``cifar100`` and ``cifar100-coarse``: ``train`` and ``test``, read as `sandbox.recipes.cifar` says.

In a folder, or in the published ``cifar-100-python.tar.gz`` or ``cifar-100-binary.tar.gz``. An example has
a fine label of 100 classes and a coarse label of 20; each recipe reads one of them.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from sandbox.recipes.api import Draft, Request
from sandbox.recipes.cifar import CifarForm, cifar_draft

FINE: Final = CifarForm(
    classes=100,
    batch_name=re.compile(r"(?P<kind>train|test)(?P<number>(?!))?(?P<binary>\.bin)?"),
    examples_of_names="train, train.bin",
    labels="fine_labels",
    label_bytes=2,
    label_byte=1,
    meta="meta",
    names="fine_label_names",
    names_text="fine_label_names.txt",
    mean=(0.5071, 0.4865, 0.4409),
    deviation=(0.2673, 0.2564, 0.2762),
)
COARSE: Final = replace(
    FINE,
    classes=20,
    labels="coarse_labels",
    label_byte=0,
    names="coarse_label_names",
    names_text="coarse_label_names.txt",
)


def recipe(request: Request) -> Draft:
    """Return the images of CIFAR-100 with their fine labels."""
    return cifar_draft(request, FINE)


def coarse_recipe(request: Request) -> Draft:
    """Return the images of CIFAR-100 with their coarse labels."""
    return cifar_draft(request, COARSE)
