"""Datasets and loaders that a submission receives, in one of the contest's two item formats.

``dict`` items are those of the contest's scored phase: ``image``, ``age_group``, ``age``,
``person_id``, ``image_id``. ``tuple`` items, ``(image, label)``, are those of its
starting kit. A split arrives as safetensors with the columns ``image`` and ``label`` and,
if the challenge has them, ``age``, ``person_id`` and ``image_id``.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableSequence
from typing import Any

import safetensors.torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

ITEM_FORMATS = ("dict", "tuple")
_EXTRA_COLUMNS = ("age", "person_id", "image_id")


class _Items:
    """What both forms have: images, and labels that are also called ``targets``, as in torchvision."""

    def __init__(self, columns: Mapping[str, Tensor]) -> None:
        self.images = columns["image"]
        self.targets: MutableSequence[int] = columns["label"].tolist()
        """A submission may set other labels, one by one or all; items then have those."""

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.images)


class DictItems(_Items, Dataset[dict[str, Any]]):
    """A split whose items are dicts, as in the contest's scored phase."""

    def __init__(self, columns: Mapping[str, Tensor]) -> None:
        """Serve rows of ``columns``: image float32 [n, c, h, w], the rest int64 [n]."""
        super().__init__(columns)
        self.columns = {name: columns[name].tolist() for name in _EXTRA_COLUMNS if name in columns}

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return one example, whose image the caller may change."""
        return {
            "image": self.images[index].clone(),
            "age_group": self.targets[index],
            **{name: values[index] for name, values in self.columns.items()},
        }


class TupleItems(_Items, Dataset[tuple[Tensor, int]]):
    """A split whose items are pairs, as in the contest's starting kit."""

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Return one example, whose image the caller may change."""
        return self.images[index].clone(), self.targets[index]


def read_split(data: bytes) -> dict[str, Tensor]:
    """Return the columns of a split from its safetensors bytes."""
    return safetensors.torch.load(data)


def dataset(columns: Mapping[str, Tensor], item_format: str) -> Dataset[Any]:
    """Return a split in the challenge's item format.

    Raises:
        ValueError: no item format has that name.
    """
    if item_format not in ITEM_FORMATS:
        raise ValueError(f"unknown item format {item_format!r}; available: {', '.join(ITEM_FORMATS)}")
    return DictItems(columns) if item_format == "dict" else TupleItems(columns)


def loader(items: Dataset[Any], batch_size: int) -> DataLoader[Any]:
    """Return the loader that a submission receives: shuffled by torch's own generator."""
    return DataLoader(items, batch_size=batch_size, shuffle=True)
