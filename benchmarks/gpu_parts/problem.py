"""A made-up problem of the contest's size: images from a seed, and networks that learn nothing from them.

The time that a step takes does not depend on what the images show. PyTorch is imported only when data are
made, so that the parts which speak with programs can be tested without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from torch import Tensor

SUBMISSION: Final = Path(__file__).parents[2] / "sample_submissions" / "finetune" / "submission.py"
_SEED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Sizes of the data, and the network."""

    architecture: str = "resnet18"
    classes: int = 10
    pixels: int = 32
    retain: int = 22_800
    forget: int = 1_200
    val: int = 2_400
    test: int = 2_400
    batch_size: int = 64

    def columns(self, split: str) -> dict[str, Tensor]:
        """Return image, float32 [n, 3, pixels, pixels], and label, int64 [n], of a split."""
        import torch  # noqa: PLC0415 - see above

        number = {"retain": 0, "forget": 1, "val": 2, "test": 3}[split]
        count: int = getattr(self, split)
        generator = torch.Generator().manual_seed(_SEED + number)
        return {
            "image": torch.rand(count, 3, self.pixels, self.pixels, generator=generator),
            "label": torch.randint(self.classes, (count,), generator=generator),
        }

    def data(self, split: str) -> bytes:
        """Return a split as the host sends it."""
        import safetensors.torch  # noqa: PLC0415 - see above

        data: bytes = safetensors.torch.save(self.columns(split))
        return data

    def original(self) -> bytes:
        """Return the weights of an untrained network."""
        import safetensors.torch  # noqa: PLC0415 - see above
        import torch  # noqa: PLC0415 - see above

        from sandbox.networks.architectures import build  # noqa: PLC0415 - imports torch

        torch.manual_seed(_SEED)
        state = build(self.architecture, self.classes).state_dict()
        data: bytes = safetensors.torch.save({name: tensor.contiguous() for name, tensor in state.items()})
        return data


CONTEST: Final = Problem()
SMALL: Final = Problem(retain=32, forget=16, val=16, test=16, batch_size=16)
