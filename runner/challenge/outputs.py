"""Outputs of networks, references and unlearned ones alike: shapes, file format, reading and writing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.parsers.npz import ArraysError, pack_npz, split_buffer, unpack_npz
from sandbox.protocol.splits import SPLITS

OUTPUT_NAMES: Final = ("logits", "correct", "unseen_losses")
"""The arrays stored of every network; `sandbox.networks.outputs` computes them."""

_PROBE: Final = "probe_"
"""In a file, before the name of an array of probes."""

_LITTLE_ENDIAN: Final = {"logits": "<f4", "correct": "<i8", "unseen_losses": "<f4"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOutputs:
    """Outputs of one network, or of several stacked along a first axis: what the scorer compares."""

    logits: NDArray[np.float32]
    """On the forget examples. Shape [examples, classes], or [networks, examples, classes]."""

    correct: NDArray[np.int64]
    """Right answers by split and class; 0 for a split that is held back. Shape [4, classes], or
    [networks, 4, classes]."""

    unseen_losses: NDArray[np.float32]
    """Cross-entropy of each test example; empty where they are held back. Shape [test examples], or
    [networks, test examples]."""

    probes: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """What else was recorded, by kind (`sandbox.protocol.probes.KINDS`)."""

    @property
    def arrays(self) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
        """Return all arrays by their names in a file, in the order of a frame."""
        outputs = {name: getattr(self, name) for name in OUTPUT_NAMES}
        return outputs | {_PROBE + kind: array for kind, array in self.probes.items()}

    def require_finite(self) -> None:
        """Refuse outputs that contain infinities or NaN.

        Raises:
            ArraysError: names the array.
        """
        for name, array in self.arrays.items():
            if not np.isfinite(array).all():
                raise ArraysError(f"{name} has values that are not finite")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputShapes:
    """The sizes on which the shapes of one network's outputs depend."""

    examples: int
    """Forget examples."""

    classes: int

    unseen: int
    """Test examples; 0 where they are held back."""

    probes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Shape of each array of probes of one network, by kind."""

    @property
    def size_bytes(self) -> int:
        """Return the bytes of one network's arrays, one after the other."""
        probes = sum(math.prod(shape) for shape in self.probes.values())
        return 4 * (self.examples * self.classes + self.unseen + probes) + 8 * len(SPLITS) * self.classes

    def expected(self, *networks: int) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Return dtype and shape of each array: of one network, or stacked if a number is passed."""
        shapes = ((self.examples, self.classes), (len(SPLITS), self.classes), (self.unseen,))
        outputs = {
            name: (_LITTLE_ENDIAN[name], (*networks, *shape))
            for name, shape in zip(OUTPUT_NAMES, shapes, strict=True)
        }
        return outputs | {_PROBE + kind: ("<f4", (*networks, *shape)) for kind, shape in self.probes.items()}


def split_outputs(data: bytes, shapes: OutputShapes, *networks: int) -> NetworkOutputs:
    """Return outputs whose arrays follow each other in a frame's payload; they are read-only.

    Raises:
        ArraysError: the payload is shorter or longer.
    """
    return _from_arrays(split_buffer(data, **shapes.expected(*networks)))


def pack_outputs(outputs: NetworkOutputs) -> bytes:
    """Return outputs as npz: the same bytes for the same outputs."""
    return pack_npz(**outputs.arrays)


def unpack_outputs(data: bytes, shapes: OutputShapes, *, stacked: bool = False) -> NetworkOutputs:
    """Return the outputs in an npz, of one network or of any number of stacked ones.

    Raises:
        ArraysError: it is not an npz, lacks an array, or an array has another type or shape.
    """
    arrays = unpack_npz(data, tuple(shapes.expected()))
    networks = arrays["logits"].shape[:1] if stacked else ()
    for name, (dtype, shape) in shapes.expected(*networks).items():
        array = arrays[name]
        if (array.dtype.str, array.shape) != (dtype, shape):
            raise ArraysError(f"{name} is {array.dtype.str} {list(array.shape)}, not {dtype} {list(shape)}")
    return _from_arrays(arrays)


def _from_arrays(arrays: Mapping[str, NDArray[Any]]) -> NetworkOutputs:
    probes = {name.removeprefix(_PROBE): array for name, array in arrays.items() if name.startswith(_PROBE)}
    return NetworkOutputs(**{name: arrays[name] for name in OUTPUT_NAMES}, probes=probes)
