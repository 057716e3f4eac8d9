"""Publish runs and outputs: staged next to their target, recorded in the store, then renamed.

A kill between two steps loses nothing: `runner.store.recovery` finishes or undoes them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.clients.runs import EndedRun, PlannedRun
from runner.errors import HostNotReadyError
from runner.execution.executor import EvaluatedRun
from runner.files import read_stored_file
from runner.parsers.checkpoint import content_sha256
from runner.sanitize import exception_name, sanitize, sanitize_line
from runner.store.paths import MAX_CHECKPOINT_BYTES, EvaluationPaths
from runner.store.records import RunRecord
from runner.store.staged_files import commit_file, discard_file, stage_file
from runner.store.store import Store
from runner.verdict import Judgement

_TRACEBACK_CHARACTERS: Final = 16_000
_NODE_CHARACTERS: Final = 200
_NO_ATTEMPT: Final = 0
"""The attempt of a run that none of this evaluation's attempts executed."""
_WITHOUT_OUTPUT: Final = "Its output is with the organizer."
"""The detail of a failed run on a control problem, as participants may read it."""


class RunPublisher:
    """Publishes the runs of one evaluation (an `OutputsSink` of its executor)."""

    def __init__(
        self,
        *,
        store: Store,
        paths: EvaluationPaths,
        evaluation: str,
        token: int,
        keep_checkpoints: bool,
    ) -> None:
        """Publish with the lease of ``token``; evaluated checkpoints are removed, unless they are kept."""
        self._store, self._paths, self._evaluation = store, paths, evaluation
        self._token, self._keep_checkpoints = token, keep_checkpoints

    def publish(self, run: EvaluatedRun, *, seed: int, attempt: int) -> bool:
        """Publish a run with its log and checkpoint; return False if it was published before.

        Args:
            run: The run; its outputs are published apart.
            seed: With which it was planned.
            attempt: In which it was executed.

        Raises:
            HostNotReadyError: a file or the store cannot be written, or the lease is lost.
        """
        files: list[Path] = []
        ended, digest = run.ended, run.checkpoint_sha256
        try:
            if ended.log or ended.traceback:
                files.append(self._paths.log(ended.index))
                stage_file(files[-1], attempt, format_log(ended).encode())
            if ended.checkpoint:
                digest = content_sha256(ended.checkpoint)
                files.append(self._paths.checkpoint(ended.index))
                stage_file(files[-1], attempt, ended.checkpoint)
            first = self._store.publish(
                self._evaluation,
                RunRecord(
                    index=ended.index,
                    seed=seed,
                    attempt=attempt,
                    verdict=ended.judgement.verdict,
                    detail=sanitize(ended.judgement.detail, 2000),
                    host_seconds=ended.host_seconds,
                    run_seconds=ended.run_seconds,
                    peak_memory_bytes=ended.peak_memory_bytes,
                    processor_seconds=ended.processor_seconds,
                    setup_seconds=ended.setup_seconds,
                    node=sanitize_line(run.node, _NODE_CHARACTERS),
                    device_class=sanitize_line(run.device_class, _NODE_CHARACTERS),
                    checkpoint_sha256=digest,
                    log_bytes_dropped=ended.log_bytes_dropped,
                    exception_type=sanitize_line(ended.exception_type, 200),
                ),
                token=self._token,
            )
        except HostNotReadyError:
            for file in files:
                discard_file(file, attempt)
            raise
        for file in files:
            (commit_file if first else discard_file)(file, attempt)
        return first

    def publish_unstarted(self, run: PlannedRun, judgement: Judgement) -> None:
        """Publish the verdict of a run that was never started."""
        self._store.publish(
            self._evaluation,
            RunRecord(
                index=run.index,
                seed=run.seed,
                attempt=_NO_ATTEMPT,
                verdict=judgement.verdict,
                detail=judgement.detail,
                host_seconds=0.0,
                run_seconds=0.0,
                checkpoint_sha256="",
                log_bytes_dropped=0,
            ),
            token=self._token,
        )

    def adopt(self, failed: RunRecord, run: PlannedRun) -> None:
        """Publish a failed run on a control problem in the place of a run, even of a published one.

        Only its verdict and a well-known name of its exception are taken over. Participants may read the rest
        of a run, and this run has seen a control problem: its output, detail, times and sizes could carry it.
        """
        for path_of in (self._paths.checkpoint, self._paths.outputs, self._paths.log):
            path_of(run.index).unlink(missing_ok=True)
        self._store.withdraw(self._evaluation, [run.index], token=self._token)
        self._store.publish(
            self._evaluation,
            RunRecord(
                index=run.index,
                seed=run.seed,
                attempt=_NO_ATTEMPT,
                verdict=failed.verdict,
                detail=_WITHOUT_OUTPUT,
                host_seconds=0.0,
                run_seconds=0.0,
                checkpoint_sha256="",
                log_bytes_dropped=0,
                exception_type=exception_name(failed.exception_type),
            ),
            token=self._token,
        )

    def read_checkpoint(self, index: int) -> bytes:
        """Return the published checkpoint of a run."""
        return read_stored_file(self._paths.checkpoint(index), max_bytes=MAX_CHECKPOINT_BYTES)

    def publish_outputs(self, index: int, outputs: NetworkOutputs) -> None:
        """Publish the outputs of a run, and remove its checkpoint unless checkpoints are kept."""
        data, file = pack_outputs(outputs), self._paths.outputs(index)
        stage_file(file, self._token, data)
        digest = hashlib.sha256(data).hexdigest()
        self._store.mark_evaluated(self._evaluation, index, outputs_sha256=digest, token=self._token)
        commit_file(file, self._token)
        self._drop_checkpoint(index)

    def reject(self, index: int, reason: str) -> None:
        """Publish that a run's network cannot be used; remove its checkpoint unless checkpoints are kept."""
        self._store.reject(self._evaluation, index, reason, token=self._token)
        self._drop_checkpoint(index)

    def _drop_checkpoint(self, index: int) -> None:
        if not self._keep_checkpoints:
            self._paths.checkpoint(index).unlink(missing_ok=True)


def format_log(ended: EndedRun) -> str:
    """Return what a run printed and raised, sanitized for a terminal."""
    parts = [sanitize(ended.log)]
    if ended.log_bytes_dropped:
        parts.append(f"\n[{ended.log_bytes_dropped} bytes between head and tail were dropped]\n")
    if ended.traceback:
        parts.append("\n" + sanitize(ended.traceback, _TRACEBACK_CHARACTERS))
    return "".join(parts)
