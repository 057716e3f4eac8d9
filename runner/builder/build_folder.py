"""The build state in a challenge's folder: what is finished, and what is rejected."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from runner.builder.snapshots import SnapshotFiles
from runner.challenge.layout import CHALLENGE_FILES, REFERENCES_FILE, SPLIT_FILES
from runner.challenge.outputs import (
    OUTPUT_NAMES,
    NetworkOutputs,
    OutputShapes,
    pack_outputs,
    split_outputs,
    unpack_outputs,
)
from runner.challenge.probes import ProbeSettings, ReferenceProbes, probe_shapes, sample_labels
from runner.challenge.unfinished import BUILD_FOLDER, FACTS_FILE, GROUP_PREFIX, PLAN_FILE, find_unfinished
from runner.errors import ConfigurationError, SandboxLostError
from runner.files import write_atomic
from runner.parsers.npz import ArraysError
from runner.wording import quantity
from sandbox.protocol.jobs import ORIGINAL
from sandbox.protocol.seeds import reference_seed
from sandbox.protocol.splits import SPLITS

_EXPECTED_FILES: Final = frozenset(CHALLENGE_FILES) - {REFERENCES_FILE}


class BuildFolder:
    """The folder of a challenge that is being built."""

    def __init__(
        self,
        folder: Path,
        record: Mapping[str, Any],
        *,
        seed: int,
        references: int,
        probes: ProbeSettings | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        """Manage the build state in ``folder``.

        Args:
            folder: Folder of the challenge.
            record: What is built (`runner.builder.plan.BuildPlan.record`).
            seed: Seed of the challenge.
            references: Number of references that the challenge will have.
            probes: What is recorded of each network besides its outputs, where that is possible.
            arguments: Options that were typed, for the command that goes on with the build.
        """
        self.folder, self._record, self._arguments = folder, dict(record), list(arguments)
        self._seed, self._references, self._probes = seed, references, probes
        self._building = folder / BUILD_FOLDER
        self._facts = folder / FACTS_FILE
        self._original_outputs = self._building / "original.outputs"
        self.snapshots = SnapshotFiles(self._building)

    def open(self) -> None:
        """Prepare the folder and store the plan; what is finished there must be of that plan.

        `runner.builder.resume.require_resumable` has checked that it is.
        """
        build = find_unfinished(self.folder)
        begun = build.plan.get("begun") if build is not None and not build.is_empty else None
        plan = {
            **self._record,
            "arguments": self._arguments,
            "begun": begun or datetime.now(UTC).isoformat(timespec="seconds"),
        }
        write_atomic(self.folder / PLAN_FILE, json.dumps(plan).encode())

    def has_original(self) -> bool:
        """Return whether the original network, the splits, their facts and its outputs all exist."""
        return (
            self._facts.is_file()
            and all((self.folder / name).is_file() for name in _EXPECTED_FILES)
            and (self.probe_settings() is None or self._original_outputs.is_file())
        )

    def facts(self) -> dict[str, Any]:
        """Return what the trainer reported about the challenge."""
        facts: dict[str, Any] = json.loads(self._facts.read_text())
        return facts

    def groups(self) -> list[int]:
        """Return the first reference of each group that is finished and requested."""
        if not self.has_original():
            return []
        firsts = (
            int(file.stem.removeprefix(GROUP_PREFIX)) for file in self._building.glob(f"{GROUP_PREFIX}*.npz")
        )
        return sorted(first for first in firsts if first < self._references)

    def resumable(self) -> list[int]:
        """Return the unfinished trainings that can be resumed: first references, or `ORIGINAL`."""
        if not self.has_original():
            return self.snapshots.usable({ORIGINAL})
        return self.snapshots.usable(set(range(self._references)) - set(self.groups()))

    def add_file(self, name: str, data: bytes) -> None:
        """Store a split or the original network."""
        if name not in _EXPECTED_FILES:
            raise SandboxLostError(f"The trainer sent a file that was not expected: {name[:60]}.")
        write_atomic(self.folder / name, data)

    def add_original_outputs(self, data: bytes) -> None:
        """Store the outputs of the original network; their sizes are among the facts, which follow."""
        write_atomic(self._original_outputs, data)

    def probe_settings(self) -> ProbeSettings | None:
        """Return what is recorded besides outputs, as far as the trainer could; None for nothing."""
        kinds = self.facts().get("probe_kinds")
        if self._probes is None or not kinds:
            return None
        return self._probes.recorded(kinds)

    def add_facts(self, data: bytes) -> None:
        """Store what the trainer reports about the challenge; the original network is finished then.

        Raises:
            ConfigurationError: the original network diverged; no reference is trained.
        """
        write_atomic(self._facts, data)
        if self.probe_settings() is not None and self._original_outputs.is_file():
            try:
                self._original_logits()
            except ArraysError:  # computed again at the end of the build
                pass
            except ConfigurationError:
                self._facts.unlink()  # or the same command would go on with the references
                raise
        self.snapshots.remove(ORIGINAL)

    def add_group(self, first: int, count: int, data: bytes) -> None:
        """Store the outputs of a group of references.

        Raises:
            ConfigurationError: a requested reference diverged; nothing of the group is stored.
        """
        outputs = split_outputs(data, self.output_shapes(), count)
        self._require_finite(outputs.logits, first)
        write_atomic(self._group_file(first), pack_outputs(outputs))
        self.snapshots.remove(first)

    def _group_file(self, first: int) -> Path:
        return self._building / f"{GROUP_PREFIX}{first:06d}.npz"

    def output_shapes(self) -> OutputShapes:
        """Return the sizes of a network's outputs, once the original network is finished."""
        facts = self.facts()
        examples, classes = int(facts["forget_examples"]), int(facts["classes"])
        sizes = {split: sum(counts) for split, counts in facts["class_counts"].items()}
        probes = probe_shapes(self.probe_settings(), examples=examples, classes=classes, sizes=sizes)
        return OutputShapes(examples=examples, classes=classes, unseen=sizes["test"], probes=probes)

    def _require_finite(self, logits: NDArray[np.float32], first: int) -> None:
        """Reject a requested reference that diverged; a surplus one, which fills a group, may."""
        diverged = np.flatnonzero(~np.isfinite(logits).all(axis=(1, 2))) + first
        if not len(diverged) or diverged[0] >= self._references:
            return
        index, finished = int(diverged[0]), len(self.groups())
        raise ConfigurationError(
            f"Reference {index} (seed {reference_seed(self._seed, index)}) diverged: its outputs are not "
            f"finite. {self.folder} still holds the original network and "
            f"{quantity(finished, 'finished group')} of references, but the same command would diverge "
            "again. Begin anew with --discard, and with another --seed or a --training of a lower learning "
            "rate."
        )

    def _original_logits(self) -> NDArray[np.float32]:
        """Return the logits of the original network, which must be finite.

        Raises:
            ArraysError: the file is damaged.
            ConfigurationError: the original network diverged.
        """
        logits = split_outputs(self._original_outputs.read_bytes(), self.output_shapes()).logits
        if not np.isfinite(logits).all():
            raise ConfigurationError(
                f"The original network (seed {self._seed}) diverged: its outputs are not finite, and the "
                "same command would diverge again. Begin anew with --discard, and with another --seed or a "
                "--training of a lower learning rate."
            )
        return logits

    def references(self) -> bytes:
        """Return the outputs of all references, as the bytes of ``references.npz``.

        Raises:
            ConfigurationError: they are not finite, or too inaccurate to be compared with.
            SandboxLostError: some are missing or damaged; the same command trains them again.
        """
        groups = [self._read_group(first) for first in self.groups()]
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(group, name) for group in groups])[: self._references]
            for name in OUTPUT_NAMES
        }
        outputs = NetworkOutputs(**arrays)
        logits = outputs.logits
        if len(logits) != self._references:
            raise SandboxLostError(f"The trainer reported its end after {len(logits)} references.")
        self._require_finite(logits, 0)  # a stored group may come from a build that requested fewer
        for split in ("retain", "test"):  # a score divides by their accuracy
            if not outputs.correct[:, SPLITS.index(split)].any():
                raise ConfigurationError(
                    f"The references get no {split} example right; begin anew: --discard and more --epochs."
                )
        return pack_outputs(outputs)

    def reference_probes(self) -> bytes:
        """Return the probes of all references, as the bytes of ``probes.npz``.

        Raises:
            ConfigurationError: the original network diverged.
            SandboxLostError: something is damaged; the same command computes it again.
        """
        settings, shapes = self.probe_settings(), self.output_shapes()
        assert settings is not None
        groups = [self._read_group(first).probes for first in self.groups()]
        arrays = {
            kind: np.concatenate([group[kind] for group in groups])[: self._references]
            for kind in shapes.probes
        }
        try:
            original_logits = self._original_logits()
        except ArraysError as error:
            self._original_outputs.unlink()
            raise SandboxLostError(
                "The outputs of the original network were damaged on disk; repeat the command to train it "
                "again."
            ) from error
        labels = sample_labels(settings, lambda split: (self.folder / SPLIT_FILES[split]).read_bytes())
        mislabelled = np.zeros(shapes.examples, np.bool_)
        mislabelled[self.facts().get("mislabelled", [])] = True
        return ReferenceProbes(
            arrays=arrays, labels=labels, original_logits=original_logits, mislabelled=mislabelled
        ).to_bytes()

    def _read_group(self, first: int) -> NetworkOutputs:
        file = self._group_file(first)
        try:
            return unpack_outputs(file.read_bytes(), self.output_shapes(), stacked=True)
        except ArraysError as error:
            file.unlink()
            raise SandboxLostError(
                f"The group of references that begins with {first} was damaged on disk; repeat the command "
                "to train it again."
            ) from error

    def clear(self) -> None:
        """Remove the build state, which a complete challenge does not need."""
        shutil.rmtree(self._building, ignore_errors=True)
