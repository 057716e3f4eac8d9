"""Verify the runs of an evaluation on control problems: manifest against store, files against manifest."""

from __future__ import annotations

from collections.abc import Iterator

from runner.challenge.challenge import Challenge
from runner.errors import ConfigurationError
from runner.files import file_sha256
from runner.results.controls import recorded_controls
from runner.results.manifest import Manifest, control_part
from runner.store.paths import EvaluationPaths
from runner.store.store import Store
from runner.verdict import Verdict


def verify_controls(
    store: Store,
    paths: EvaluationPaths,
    manifest: Manifest,
    challenge: Challenge | str,
    checked: dict[str, int],
) -> Iterator[str]:
    """Yield a sentence for each mismatch.

    Args:
        store: The store that records the evaluation.
        paths: Of the evaluation.
        manifest: Of the evaluation.
        challenge: What it was evaluated on, or the sentence that says why that cannot be used.
        checked: How many files of each kind were hashed; the outputs are counted here too.
    """
    if isinstance(challenge, str) or challenge.sha256 != manifest.challenge.sha256:
        return  # reported already
    try:
        controls = recorded_controls(store, paths, manifest.evaluation, challenge, manifest.n)
    except ConfigurationError as error:
        yield f"control problems: {error}"
        return
    if [control_part(control) for control in controls] != (manifest.controls or []):
        yield "manifest.json: its runs on control problems are not those of the store"
        return
    for number, control in enumerate(controls, start=1):
        for run in control.runs:
            name = f"control problem {number}, run {run.index}"
            if run.seed != control.challenge.run_seed(run.index):
                yield f"{name}: its seed is not the one that the problem derives"
            if run.verdict is not Verdict.OK or not run.outputs_sha256:
                continue
            digest = file_sha256(control.outputs(run.index))
            checked["outputs"] += digest is not None
            if digest != run.outputs_sha256:
                yield f"{name}: its outputs are missing or are not the file that the manifest names"
