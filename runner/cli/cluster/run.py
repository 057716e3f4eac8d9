"""What commands with `--cluster` do: evaluate on all nodes of a cluster, one entry after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from runner.challenge.challenge import Challenge
from runner.cli.console import print_error, print_note, stderr_console
from runner.cli.devices import Record
from runner.cluster.code_version import code_version
from runner.cluster.decisions.fitness import Requirements
from runner.cluster.executor import ClusterExecutor
from runner.cluster.node.agent import processor_model
from runner.cluster.pool import ClusterPool
from runner.cluster.ray_library import joined_cluster, load_ray
from runner.engine.placement import CPU
from runner.errors import UnmetRequirementError
from runner.evaluation.batch import BatchResult, evaluate_all
from runner.evaluation.evaluate import evaluate
from runner.execution.executor import Executor
from runner.execution.host_session import HostSession, host_session
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.progress import ConsoleReporter
from runner.results.entry_result import EntryResult
from runner.store.open_store import open_store

ONE_SLOT = "cpu:1"
"""The devices of a node, where none are named: all its cores."""
EXECUTED_ON = "cluster"
"""Recorded with attempts, as the device."""

NewExecutor = Callable[..., Executor]


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
    reporter = ConsoleReporter(stderr_console())
    with (
        host_session(reporter, runtime=settings.placement.runtime, image=image) as host,
        closing(open_store(store, create=True)) as opened,
        on_cluster(address, devices)(challenge, host) as new_executor,
    ):
        settings = replace(
            settings, device=host.recorded_device, placement=host.placement, executed_on=EXECUTED_ON
        )
        context = host.evaluation_context(opened, store)
        hand_ins, entries = record(opened, host.image, settings)
        return evaluate_all(
            hand_ins,
            entries,
            opened,
            lambda submission: evaluate(context, submission, challenge, settings, new_executor=new_executor),
            print_error,
            show_ended=show_ended(reporter),
        )


def on_cluster(
    address: str, devices: str
) -> Callable[[Challenge, HostSession], AbstractContextManager[NewExecutor]]:
    """Return what joins a cluster for a challenge, and yields what creates executors on its nodes.

    It raises UnmetRequirementError where the challenge needs a GPU, and HostNotReadyError where no cluster
    answers or none of its nodes can be used.

    Args:
        address: Of Ray's head, as it was typed.
        devices: Of each node; empty for one slot with all cores.
    """

    @contextmanager
    def executors(challenge: Challenge, host: HostSession) -> Iterator[NewExecutor]:
        if challenge.description.device != CPU:
            raise UnmetRequirementError(
                "--cluster executes on processors so far, and the challenge needs a GPU: use --devices."
            )
        limits, files = challenge.description.limits, challenge.description.files
        required = requirements_of(
            host.image,
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
                runtime=host.placement.runtime,
                report=print_note,
            ) as pool,
        ):
            yield partial(ClusterExecutor, pool=pool)

    return executors


def requirements_of(
    image: Image, *, device_class: str, processor: str = "", challenge_bytes: int = 0
) -> Requirements:
    """Return what nodes have to be, if they are to do as this host would."""
    return Requirements(
        version=code_version(),
        image=image.digest,
        platform=image.platform,
        config=image.config,
        device_class=device_class,
        processor=processor,
        challenge_bytes=challenge_bytes,
    )
