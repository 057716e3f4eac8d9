"""What `unlearn run --cluster` does: evaluate entries one after another, on all nodes of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from runner.challenge.challenge import Challenge
from runner.cli.console import print_error, print_note, stderr_console
from runner.cli.devices import Record
from runner.cluster.agent import code_version, processor_model
from runner.cluster.executor import ClusterExecutor
from runner.cluster.fitness import Requirements
from runner.cluster.pool import ClusterPool
from runner.cluster.ray_library import joined_cluster, load_ray
from runner.engine.placement import CPU
from runner.errors import UnmetRequirementError
from runner.evaluation.batch import BatchResult, evaluate_all
from runner.evaluation.evaluate import evaluate
from runner.execution.host_session import HostSession, host_session
from runner.execution.settings import Settings
from runner.progress import ConsoleReporter
from runner.results.entry_result import EntryResult
from runner.store.open_store import open_store

ONE_SLOT = "cpu:1"
"""The devices of a node, where none are named: all its cores."""


def run_on_cluster(
    address: str,
    devices: str,
    challenge: Challenge,
    settings: Settings,
    record: Record,
    *,
    store: Path,
    image: str,
    show_ended: Callable[[ConsoleReporter], Callable[[EntryResult], None]],
) -> BatchResult:
    """Evaluate entries on the nodes of a cluster; return how they ended.

    Args:
        address: Of Ray's head, as it was typed.
        devices: Of each node; empty for one slot with all cores.
        challenge: On what is evaluated.
        settings: As requested.
        record: Records the entries.
        store: Folder of the store.
        image: Beginning of the digest of an image that an evaluation needs; empty for the current one.
        show_ended: Returns what receives each result as soon as it is there.

    Raises:
        ConfigurationError: the address or the devices have another form.
        HostNotReadyError: Ray is missing, no node can be used, or this host lacks engine or image.
    """
    load_ray()
    if challenge.description.device != CPU:
        raise UnmetRequirementError(
            "--cluster executes on processors so far, and this challenge needs a GPU."
        )
    reporter = ConsoleReporter(stderr_console())
    runtime = settings.placement.runtime
    with (
        host_session(reporter, runtime=runtime, image=image) as host,
        closing(open_store(store, create=True)) as opened,
        cluster_pool(address, devices, challenge, host, runtime=runtime) as pool,
    ):
        settings = replace(
            settings, device=host.recorded_device, placement=host.placement, executed_on="cluster"
        )
        context = host.evaluation_context(opened, store)
        hand_ins, entries = record(opened, host.image, settings)
        return evaluate_all(
            hand_ins,
            entries,
            opened,
            lambda submission: evaluate(
                context, submission, challenge, settings, new_executor=partial(ClusterExecutor, pool=pool)
            ),
            print_error,
            show_ended=show_ended(reporter),
        )


@contextmanager
def cluster_pool(
    address: str, devices: str, challenge: Challenge, host: HostSession, *, runtime: str
) -> Iterator[ClusterPool]:
    """Join a cluster and yield the pool of its devices, of which at least one can be used.

    Args:
        address: Of Ray's head.
        devices: Of each node; empty for one slot with all cores.
        challenge: For whose runs nodes have to have room.
        host: This host; nodes need its image.
        runtime: Of containers; empty for the engine's default.
    """
    limits = challenge.description.limits
    files = challenge.description.files
    required = Requirements(
        version=code_version(),
        image=host.image.digest,
        platform=host.image.platform,
        config=host.image.config,
        device_class=host.recorded_device,
        processor=processor_model() if limits.wall_fraction is not None else "",
        challenge_bytes=sum((challenge.folder / name).stat().st_size for name in files),
    )
    with (
        joined_cluster(address) as ray,
        ClusterPool(
            ray,
            required=required,
            devices=devices or ONE_SLOT,
            limits=limits,
            runtime=runtime,
            report=print_note,
        ) as pool,
    ):
        yield pool
