"""Probes of a challenge: what is recorded of each network besides its outputs, and how.

References and runs get the same probes, which `sandbox.networks.probes` computes. Those of the references,
and the original network's logits on the forget set, are in one file; those of a run are stored with its
outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from runner.challenge.outputs import OutputShapes
from runner.errors import ConfigurationError
from runner.parsers.npz import ArraysError, pack_npz, unpack_npz
from runner.parsers.safetensors import read_tensors
from sandbox.protocol.probes import (
    FEATURES,
    KINDS,
    MAX_ARRAY_BYTES,
    PERTURBED,
    RELEARNED,
    RETAIN,
    SAMPLES,
    TEST,
    VERSION,
    ProbePlan,
    probe_seed,
    version_of,
)

ProbeChoice = Literal["cheap", "relearning", "none"]
"""What an organizer chooses: probes that cost a few forward passes, those and relearning, or none."""
_CHEAP: Final = (RETAIN, TEST, PERTURBED, FEATURES)
_RELEARNING: Final = {"relearning_steps": 100, "relearning_rate": 0.001, "relearning_batch": 64}
_ORIGINAL: Final = "original_logits"
_MISLABELLED: Final = "mislabelled"
_HEADER_BYTES: Final = 1 << 16
"""More than the header of a split's few columns needs."""


class ProbeSettings(BaseModel):
    """Probes that are recorded of each reference and of each run."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1, 2, 3, 4] = VERSION
    """Of how they are computed: 4 with relearning, 1 without. Challenges that record relearning in version 1
    to 3, which networks could evade, must be built again before anything is evaluated on them."""
    kinds: list[str]
    """Arrays that are recorded, of `retain_logits`, `test_logits`, `perturbed_logits`, `features` and
    `relearned_logits`; without those that the network or the size of the data does not allow."""
    seed: Annotated[int, Field(ge=0, lt=1 << 63)]
    """Of samples, noise, projection and batches."""
    sample_examples: Annotated[int, Field(ge=1, le=1 << 20)] = 512
    """Maximum number of retain and of test examples whose logits are recorded."""
    norms: Annotated[list[Annotated[float, Field(gt=0, le=100)]], Field(min_length=1, max_length=16)] = [
        *(0.03, 0.1, 0.3),
    ]
    """Euclidean norm of the noise on forget examples, as a fraction of the image's own."""
    copies: Annotated[int, Field(ge=1, le=1000)] = 2
    """Noisy copies of each forget example, for each norm."""
    feature_numbers: Annotated[int, Field(ge=1, le=1 << 16)] = 64
    """To how many numbers the features of a forget example are projected."""
    relearning_steps: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Steps of fine-tuning on retain for `relearned_logits`; the last layer is fitted anew before and after
    them, and the look counts that knows more."""
    relearning_rate: Annotated[float, Field(gt=0, le=100)] | None = None
    """Size of a step, as a fraction of the weights that it changes."""
    relearning_batch: Annotated[int, Field(ge=1, le=1 << 20)] | None = None
    """Examples in such a step."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kinds != [kind for kind in KINDS if kind in self.kinds]:
            raise ValueError(f"kinds must be some of {', '.join(KINDS)}, in this order and once each")
        if any(second <= first for first, second in zip(self.norms, self.norms[1:], strict=False)):
            raise ValueError("norms must increase")
        if self.version > version_of(self.kinds):
            raise ValueError(f"version {self.version} goes with relearned_logits in kinds")
        relearning = (self.relearning_steps, self.relearning_rate, self.relearning_batch)
        if any((value is not None) != (RELEARNED in self.kinds) for value in relearning):
            raise ValueError(
                "relearning_steps, relearning_rate and relearning_batch go with relearned_logits in kinds"
            )
        return self

    def recorded(self, kinds: Sequence[str]) -> ProbeSettings:
        """Return the settings of a challenge that records only some of the kinds.

        Args:
            kinds: Those that its trainer can record.
        """
        remaining = [kind for kind in self.kinds if kind in kinds]
        update: dict[str, Any] = {"kinds": remaining}
        if RELEARNED not in remaining:
            update |= dict.fromkeys(("relearning_steps", "relearning_rate", "relearning_batch"))
            update["version"] = version_of(remaining)
        return self.model_copy(update=update)

    def is_part_of(self, other: ProbeSettings) -> bool:
        """Return whether these are other settings without some kinds."""
        return self == other.recorded(self.kinds)

    def plan(self) -> ProbePlan:
        """Return the settings as containers read them."""
        return ProbePlan.from_fields(self.model_dump(exclude={"version"}))

    def job_fields(self) -> dict[str, Any]:
        """Return the settings as a field of a job.

        Raises:
            ConfigurationError: this version of the program computes them in another way.
        """
        if self.version != version_of(self.kinds):
            raise ConfigurationError(
                "The challenge records relearning as an earlier version of this program did, which networks "
                "could evade; build the challenge again."
            )
        fields = asdict(self.plan())
        if RELEARNED in self.kinds:
            return fields | {"version": self.version}
        del fields["version"]  # images that know version 1 alone have no such field
        return fields


def choose_probes(choice: ProbeChoice, challenge_seed: int) -> ProbeSettings | None:
    """Return the settings of a new challenge.

    Args:
        choice: What the organizer chose.
        challenge_seed: Seed of the challenge.
    """
    if choice == "none":
        return None
    settings = ProbeSettings(kinds=list(_CHEAP), seed=probe_seed(challenge_seed))
    if choice == "cheap":
        return settings
    return ProbeSettings(
        **{**settings.model_dump(), "kinds": list(KINDS), "version": version_of(KINDS), **_RELEARNING}
    )


def probe_shapes(
    settings: ProbeSettings | None, *, examples: int, classes: int, sizes: Mapping[str, int]
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of one network; see `ProbePlan.shapes`."""
    if settings is None:
        return {}
    return settings.plan().shapes(examples=examples, classes=classes, sizes=sizes)


def sample_labels(
    settings: ProbeSettings, read_split: Callable[[str], bytes]
) -> dict[str, NDArray[np.int64]]:
    """Return the true classes of the sample of each split that is sampled.

    Args:
        settings: Of the challenge.
        read_split: Returns the file of a split.
    """
    plan, labels = settings.plan(), {}
    for kind, split in SAMPLES.items():
        if kind in settings.kinds:
            column = read_tensors(read_split(split), max_header_bytes=_HEADER_BYTES)["label"][1]
            of_split = np.frombuffer(column, "<i8")
            labels[split] = of_split[plan.sample(split, len(of_split))].astype(np.int64)
    return labels


def too_large_probe(shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """Return the kind whose array of one network is larger than any that a build records, if there is one."""
    too_large = (kind for kind, shape in shapes.items() if 4 * math.prod(shape) > MAX_ARRAY_BYTES)
    return next(too_large, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceProbes:
    """The content of ``probes.npz``."""

    arrays: Mapping[str, NDArray[np.float32]]
    """Of the references, by kind; the first axis is that of the references."""
    labels: Mapping[str, NDArray[np.int64]]
    """True classes of the sample of each split that is sampled."""
    original_logits: NDArray[np.float32]
    """The original network's, on the forget examples. Shape [examples, classes]."""
    mislabelled: NDArray[np.bool_]
    """Which forget examples were given a wrong label. Shape [examples]."""

    def to_bytes(self) -> bytes:
        """Return the bytes of the file."""
        labels = {f"{split}_labels": labels for split, labels in self.labels.items()}
        others = {_ORIGINAL: self.original_logits, _MISLABELLED: self.mislabelled}
        return pack_npz(**self.arrays, **labels, **others)


def unpack_reference_probes(data: bytes, shapes: OutputShapes, references: int) -> ReferenceProbes:
    """Return the content of ``probes.npz``.

    Raises:
        ArraysError: it is not an npz, lacks an array, or an array has another type or shape, or values that
            it cannot have.
    """
    samples = {split: shapes.probes[kind][0] for kind, split in SAMPLES.items() if kind in shapes.probes}
    expected: dict[str, tuple[str, tuple[int, ...]]] = {
        **{kind: ("<f4", (references, *shape)) for kind, shape in shapes.probes.items()},
        **{f"{split}_labels": ("<i8", (examples,)) for split, examples in samples.items()},
        _ORIGINAL: ("<f4", (shapes.examples, shapes.classes)),
        _MISLABELLED: ("|b1", (shapes.examples,)),
    }
    arrays = unpack_npz(data, tuple(expected))
    for name, (dtype, shape) in expected.items():
        array = arrays[name]
        if (array.dtype.str, array.shape) != (dtype, shape):
            raise ArraysError(f"{name} is {array.dtype.str} {list(array.shape)}, not {dtype} {list(shape)}")
        if not np.isfinite(array).all():
            raise ArraysError(f"{name} has values that are not finite")
    labels = {split: arrays[f"{split}_labels"] for split in samples}
    if any((of_split < 0).any() or (of_split >= shapes.classes).any() for of_split in labels.values()):
        raise ArraysError("a label is not a class")
    return ReferenceProbes(
        arrays={kind: arrays[kind] for kind in shapes.probes},
        labels=labels,
        original_logits=arrays[_ORIGINAL],
        mislabelled=arrays[_MISLABELLED],
    )
