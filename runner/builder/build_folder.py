"""The folder of a challenge while it is being built: what is finished, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.builder.snapshots import SnapshotFiles
from runner.challenge.layout import CHALLENGE_FILES, REFERENCES_FILE
from runner.challenge.outputs import (
    OUTPUT_NAMES,
    NetworkOutputs,
    OutputShapes,
    pack_outputs,
    split_outputs,
    unpack_outputs,
)
from runner.errors import ConfigurationError, SandboxLostError
from runner.files import write_atomic
from runner.parsers.npz import ArraysError
from sandbox.protocol.jobs import ORIGINAL
from sandbox.protocol.seeds import reference_seed
from sandbox.protocol.splits import SPLITS

BUILD_FOLDER: Final = ".building"
PLAN_FILE: Final = f"{BUILD_FOLDER}/plan.json"
"""What is being built, as `BuildFolder` was told; a build that differs begins anew."""
_EXPECTED_FILES: Final = frozenset(CHALLENGE_FILES) - {REFERENCES_FILE}


class BuildFolder:
    """The folder of a challenge while it is being built."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], *, seed: int, references: int) -> None:
        """Be about a folder; ``identity`` is what has to be the same for a build to be gone on with."""
        self.folder, self._identity = folder, dict(identity)
        self._seed, self._references = seed, references
        self._building = folder / BUILD_FOLDER
        self._facts = self._building / "facts.json"
        self.snapshots = SnapshotFiles(self._building)

    def open(self) -> None:
        """Make ready, dropping what an other plan or image has left unfinished."""
        mark = self.folder / PLAN_FILE
        try:
            same = json.loads(mark.read_text()) == self._identity
        except (OSError, ValueError):
            same = False
        if not same:
            shutil.rmtree(self._building, ignore_errors=True)
            write_atomic(mark, json.dumps(self._identity).encode())

    def has_original(self) -> bool:
        """Return whether the original network, the splits and their facts are all there."""
        return self._facts.is_file() and all((self.folder / name).is_file() for name in _EXPECTED_FILES)

    def facts(self) -> dict[str, Any]:
        """Return what the trainer said of the challenge."""
        found: dict[str, Any] = json.loads(self._facts.read_text())
        return found

    def groups(self) -> list[int]:
        """Return the first reference of each group that is finished and wanted."""
        if not self.has_original():
            return []
        found = (int(file.stem.removeprefix("group-")) for file in self._building.glob("group-*.npz"))
        return sorted(first for first in found if first < self._references)

    def begun(self) -> list[int]:
        """Return what is in training and can be gone on with: first references, or `ORIGINAL`."""
        if not self.has_original():
            return self.snapshots.usable({ORIGINAL})
        finished = set(self.groups())
        return self.snapshots.usable({one for one in range(self._references) if one not in finished})

    def take_file(self, name: str, data: bytes) -> None:
        """Keep a split or the original network."""
        if name not in _EXPECTED_FILES:
            raise SandboxLostError(f"The trainer sent a file that was not due: {name[:60]}.")
        write_atomic(self.folder / name, data)

    def take_facts(self, data: bytes) -> None:
        """Keep what the trainer says of the challenge."""
        write_atomic(self._facts, data)
        self.snapshots.forget(ORIGINAL)

    def take_group(self, first: int, count: int, data: bytes) -> None:
        """Keep the outputs of a group of references.

        Raises:
            ConfigurationError: one that is wanted diverged; nothing of the group is kept.
        """
        outputs = split_outputs(data, self._output_shapes(), count)
        self._require_finite(outputs.logits, first)
        write_atomic(self._building / f"group-{first:06d}.npz", pack_outputs(outputs))
        self.snapshots.forget(first)

    def _output_shapes(self) -> OutputShapes:
        facts = self.facts()
        return OutputShapes(
            examples=int(facts["forget_examples"]),
            classes=int(facts["classes"]),
            unseen=sum(facts["class_counts"]["test"]),
        )

    def _require_finite(self, logits: NDArray[np.float32], first: int) -> None:
        """Refuse a wanted reference that diverged; one beyond those that are wanted may."""
        diverged = np.flatnonzero(~np.isfinite(logits).all(axis=(1, 2))) + first
        if not len(diverged) or diverged[0] >= self._references:
            return
        index = int(diverged[0])
        raise ConfigurationError(
            f"Reference {index} (seed {reference_seed(self._seed, index)}) diverged: its outputs are not "
            f"finite. The original network and {len(self.groups())} finished groups of references are kept "
            f"in {self.folder}, but the same command would diverge again; repeat it with another --seed, or "
            "with a --training of a lower learning rate, which begins anew."
        )

    def references(self) -> bytes:
        """Return the outputs of all references, as the bytes of ``references.npz``.

        Raises:
            ConfigurationError: they cannot be compared with anything.
            SandboxLostError: some are missing or damaged; the same command trains them again.
        """
        groups, shapes = [], self._output_shapes()
        for first in self.groups():
            data = (self._building / f"group-{first:06d}.npz").read_bytes()
            try:
                groups.append(unpack_outputs(data, shapes, stacked=True))
            except ArraysError as error:
                (self._building / f"group-{first:06d}.npz").unlink()
                raise SandboxLostError(
                    f"References {first} and on were damaged on disk; repeat the command to train them again."
                ) from error
        outputs = NetworkOutputs(
            **{
                name: np.concatenate([getattr(group, name) for group in groups])[: self._references]
                for name in OUTPUT_NAMES
            }
        )
        logits = outputs.logits
        if len(logits) != self._references:
            raise SandboxLostError(f"The trainer said it was done after {len(logits)} references.")
        self._require_finite(logits, 0)  # in a group that was kept when fewer were wanted
        for split in ("retain", "test"):  # a score divides by their accuracy
            if not outputs.correct[:, SPLITS.index(split)].any():
                raise ConfigurationError(
                    f"The references get no {split} example right; train them for more epochs."
                )
        return pack_outputs(outputs)

    def clear(self) -> None:
        """Remove what only a build needs."""
        shutil.rmtree(self._building, ignore_errors=True)
