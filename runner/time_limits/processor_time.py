"""The processor time of retraining, and of a run that does nothing: the yardstick of a run's processor time.

Both come from the same counter as that of a run, the control group of the container. A run also forks,
imports and saves, which retraining does not do: what that takes is measured with a submission that takes a
single step, and is left out of the comparison.
"""

from __future__ import annotations

import io
import statistics
import zipfile
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import pairwise
from typing import Final

from runner.challenge.challenge import Challenge
from runner.clients.runs import PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.api import Engine
from runner.engine.container_spec import worker_container
from runner.engine.placement import Placement
from runner.engine.run_uids import uids_for_runs
from runner.image.image import Image
from runner.parsers.entry_file import ENTRY_FILE
from runner.submission.load import Submission
from runner.verdict import Verdict

_RUNS: Final = 5
"""Number of empty runs, of which the median counts."""
_WALL_SECONDS: Final = 600.0
"""Their time limit: a large network takes seconds to save."""
_SOURCE: Final = """
import torch


def unlearning(net, retain, forget, val):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.0, momentum=0.9)
    item = next(iter(retain))
    images, labels = (item["image"], item["age_group"]) if isinstance(item, dict) else item
    torch.nn.functional.cross_entropy(net(images), labels).backward()
    optimizer.step()
"""
"""One step, because the first is slow: torch imports modules and selects algorithms, and a process that was
forked copies the memory that it writes to. The timed portions of retraining have no first step."""


def epoch_processor_seconds(
    readings: Mapping[int, float | None], epochs: int, portions: int
) -> list[float] | None:
    """Return the mean processor seconds of an epoch in each timed portion.

    Args:
        readings: What the container had used when so many portions were over.
        epochs: Epochs in each portion.
        portions: Number of portions.

    Returns:
        None if the counter could not be read each time, or did not advance.
    """
    used = [readings.get(done) for done in range(portions + 1)]
    known = [seconds for seconds in used if seconds is not None]
    if len(known) < len(used) or portions == 0:
        return None
    seconds = [(after - before) / epochs for before, after in pairwise(known)]
    return seconds if min(seconds) > 0 else None


def measure_empty_runs(
    *,
    engine: Engine,
    image: Image,
    challenge: Challenge,
    labels: Mapping[str, str],
    placement: Placement,
) -> float | None:
    """Return the median processor seconds of runs of a submission that takes a single step.

    Returns:
        None if the time of a run could not be read, or a run failed.

    Raises:
        ConfigurationError: the challenge's network cannot be used.
        HostNotReadyError: submissions cannot be run on this host under this runtime, or no user ids are left.
        SandboxError: the container failed.
    """
    limits = challenge.description.limits.with_changes(wall_seconds=_WALL_SECONDS).of_one_run()
    spec = worker_container(image=image.tag, limits=limits, labels=dict(labels), placement=placement)
    with ExitStack() as resources:
        first_uid = resources.enter_context(uids_for_runs(_RUNS))
        stream = engine.start(spec)
        resources.callback(stream.remove)
        worker = WorkerClient(
            stream=stream,
            challenge=challenge.with_limits(**limits.model_dump()),
            submission=_empty_submission(),
            runs=_RUNS,
            first_uid=first_uid,
            placement=placement,
        )
        ended = list(worker.execute([PlannedRun(index=index, seed=index) for index in range(_RUNS)]))
    seconds = [run.processor_seconds for run in ended if run.judgement.verdict is Verdict.OK]
    known = [value for value in seconds if value is not None]
    return statistics.median(known) if len(known) == _RUNS else None


def _empty_submission() -> Submission:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(zipfile.ZipInfo(ENTRY_FILE), _SOURCE)
    return Submission(name="empty", sha256="", archive=archive.getvalue())
