"""Recover after a process was killed: intact files stay, the rest is computed again.

Runs whose files are missing or damaged are withdrawn, so that they are executed again; for a run
whose checkpoint is intact, only the outputs are computed again.
"""

from __future__ import annotations

from pathlib import Path

from runner.files import file_sha256, read_stored_file
from runner.parsers.checkpoint import content_sha256
from runner.parsers.safetensors import CheckpointError
from runner.progress import Reporter
from runner.store.paths import MAX_CHECKPOINT_BYTES, EvaluationPaths
from runner.store.records import RunRecord
from runner.store.staged_files import recover_staged_files
from runner.store.store import Store
from runner.verdict import Verdict


def recover_runs(
    store: Store, paths: EvaluationPaths, evaluation: str, token: int, reporter: Reporter
) -> list[RunRecord]:
    """Finish or undo what a killed process left, and return the published runs that remain.

    Raises:
        HostNotReadyError: the files cannot be written.
        TakenOverError: the lease of ``token`` is lost.
    """
    runs = {run.index: run for run in store.runs(evaluation)}

    def is_published(index: int, attempt: int, _file: Path) -> bool:
        return index in runs and runs[index].attempt == attempt

    def is_recorded(index: int, _token: int, file: Path) -> bool:
        run = runs.get(index)
        return run is not None and run.evaluated and file_sha256(file) == run.outputs_sha256

    # Summary, card and manifest are written again when the evaluation ends.
    recover_staged_files(paths.folder, lambda _index, _token, _file: False)
    recover_staged_files(paths.checkpoint(0).parent, is_published)
    recover_staged_files(paths.log(0).parent, is_published)
    recover_staged_files(paths.outputs(0).parent, is_recorded)
    successful = [run for run in runs.values() if run.verdict is Verdict.OK]
    damaged = [run.index for run in successful if run.evaluated and not _has_outputs(paths, run)]
    unevaluated = {run.index for run in successful if not run.evaluated} | set(damaged)
    lost = sorted(index for index in unevaluated if not _has_checkpoint(paths, runs[index]))
    if lost:
        store.withdraw(evaluation, lost, token=token)
        for index in lost:
            for path_of in (paths.checkpoint, paths.outputs, paths.log):
                path_of(index).unlink(missing_ok=True)
        reporter.step(f"{len(lost)} finished runs are executed again: their files are missing or damaged")
    for index in set(damaged) - set(lost):
        store.mark_unevaluated(evaluation, index, token=token)
    return store.runs(evaluation)


def has_recorded_manifest(store: Store, paths: EvaluationPaths, evaluation: str) -> bool:
    """Return whether the manifest on disk is the one that was recorded when the evaluation ended."""
    recorded = store.evaluation(evaluation).manifest_sha256
    return recorded is not None and file_sha256(paths.manifest) == recorded


def _has_outputs(paths: EvaluationPaths, run: RunRecord) -> bool:
    digest = file_sha256(paths.outputs(run.index))
    return digest is not None and run.outputs_sha256 in ("", digest)  # earlier versions recorded no hash


def _has_checkpoint(paths: EvaluationPaths, run: RunRecord) -> bool:
    try:
        data = read_stored_file(paths.checkpoint(run.index), max_bytes=MAX_CHECKPOINT_BYTES)
        return content_sha256(data) == run.checkpoint_sha256
    except (OSError, CheckpointError):
        return False
