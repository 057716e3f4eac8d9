"""Recipe ``cifar10``: ``data_batch_*`` and ``test_batch`` as `sandbox.recipes.cifar` reads them.

In a folder, or in the published ``cifar-10-python.tar.gz`` or ``cifar-10-binary.tar.gz``. Pixels are
normalised by channel, as in the starting kit.
"""

from __future__ import annotations

import re
from typing import Final

from sandbox.recipes.api import Draft, Request
from sandbox.recipes.cifar import CifarForm, cifar_draft

FORM: Final = CifarForm(
    classes=10,
    batch_name=re.compile(r"(?P<kind>data_batch_(?P<number>\d{1,3})|test_batch)(?P<binary>\.bin)?"),
    examples_of_names="data_batch_1, data_batch_1.bin",
    labels="labels",
    label_bytes=1,
    label_byte=0,
    meta="batches.meta",
    names="label_names",
    names_text="batches.meta.txt",
    mean=(0.4914, 0.4822, 0.4465),
    deviation=(0.2023, 0.1994, 0.2010),
)


def recipe(request: Request) -> Draft:
    """Return the images of CIFAR-10."""
    return cifar_draft(request, FORM)
