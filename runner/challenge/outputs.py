"""Outputs of networks, references and unlearned ones alike: shapes, file format, reading and writing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner.parsers.npz import ArraysError, pack_npz, split_buffer, unpack_npz
from sandbox.protocol.splits import SPLITS

OUTPUT_NAMES: Final = ("logits", "correct", "unseen_losses")
"""The arrays stored of every network; `sandbox.networks.outputs` computes them."""

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

    def require_finite(self) -> None:
        """Refuse outputs that contain infinities or NaN.

        Raises:
            ArraysError: names the array.
        """
        for name in OUTPUT_NAMES:
            if not np.isfinite(getattr(self, name)).all():
                raise ArraysError(f"{name} has values that are not finite")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputShapes:
    """The sizes on which the shapes of one network's outputs depend."""

    examples: int
    """Forget examples."""

    classes: int

    unseen: int
    """Test examples; 0 where they are held back."""

    @property
    def size_bytes(self) -> int:
        """Return the bytes of one network's arrays, one after the other."""
        return 4 * (self.examples * self.classes + self.unseen) + 8 * len(SPLITS) * self.classes

    def expected(self, *networks: int) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Return dtype and shape of each array: of one network, or stacked if a number is passed."""
        shapes = ((self.examples, self.classes), (len(SPLITS), self.classes), (self.unseen,))
        return {
            name: (_LITTLE_ENDIAN[name], (*networks, *shape))
            for name, shape in zip(OUTPUT_NAMES, shapes, strict=True)
        }


def split_outputs(data: bytes, shapes: OutputShapes, *networks: int) -> NetworkOutputs:
    """Return outputs whose arrays follow each other in a frame's payload; they are read-only.

    Raises:
        ArraysError: the payload is shorter or longer.
    """
    return NetworkOutputs(**split_buffer(data, **shapes.expected(*networks)))


def pack_outputs(outputs: NetworkOutputs) -> bytes:
    """Return outputs as npz: the same bytes for the same outputs."""
    return pack_npz(**{name: getattr(outputs, name) for name in OUTPUT_NAMES})


def unpack_outputs(data: bytes, shapes: OutputShapes, *, stacked: bool = False) -> NetworkOutputs:
    """Return the outputs in an npz, of one network or of any number of stacked ones.

    Raises:
        ArraysError: it is not an npz, lacks an array, or an array has another type or shape.
    """
    arrays = unpack_npz(data, OUTPUT_NAMES)
    networks = arrays["logits"].shape[:1] if stacked else ()
    for name, (dtype, shape) in shapes.expected(*networks).items():
        array = arrays[name]
        if (array.dtype.str, array.shape) != (dtype, shape):
            raise ArraysError(f"{name} is {array.dtype.str} {list(array.shape)}, not {dtype} {list(shape)}")
    return NetworkOutputs(**arrays)
