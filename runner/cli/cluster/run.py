"""What commands with `--cluster` do: evaluate on all nodes of a cluster, one entry after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from runner.challenge.challenge import Challenge
from runner.cli.console import print_error, print_note, stderr_console
from runner.cli.devices import Record
from runner.cluster.code_version import code_version
from runner.cluster.decisions.fitness import Requirements, gpu_drivers
from runner.cluster.decisions.gpu_class import devices_of_nodes, recorded_class
from runner.cluster.executor import ClusterExecutor
from runner.cluster.node.agent import processor_model
from runner.cluster.pool import ClusterPool
from runner.cluster.ray_library import joined_cluster, load_ray
from runner.cluster.retraining import ClusterTimer
from runner.cluster.survey import gpu_classes_of_nodes
from runner.engine.placement import CPU
from runner.evaluation.batch import BatchResult, evaluate_all
from runner.evaluation.evaluate import evaluate
from runner.evaluation.place import OpenPlace, Place
from runner.execution.host_session import HostSession, host_session
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.progress import ConsoleReporter
from runner.results.entry_result import EntryResult
from runner.store.open_store import open_store

EXECUTED_ON = "cluster"
"""Recorded with attempts, as the device."""


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
        devices: Of each node; empty for one slot with all cores, or for all GPUs.
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
        on_cluster(address, devices)(challenge, host, challenge.description.device) as place,
    ):
        settings = replace(settings, device=place.device, placement=place.placement, executed_on=EXECUTED_ON)
        context = host.evaluation_context(opened, store)
        hand_ins, entries = record(opened, host.image, settings)
        return evaluate_all(
            hand_ins,
            entries,
            opened,
            lambda submission: evaluate(
                context,
                submission,
                challenge,
                settings,
                new_executor=place.new_executor,
                timer=place.timer,
                gpu_driver=place.gpu_driver,
            ),
            print_error,
            show_ended=show_ended(reporter),
        )


def on_cluster(address: str, devices: str) -> OpenPlace:
    """Return what joins a cluster for a challenge, and yields its nodes as a place to execute runs.

    Opening raises ConfigurationError where the devices have another form or are of several classes,
    UnmetRequirementError where they are no GPUs and one is needed, and HostNotReadyError where no cluster
    answers or none of its nodes can be used.

    Args:
        address: Of Ray's head, as it was typed.
        devices: Of each node, as they were typed; empty for one slot with all cores, or for all GPUs.
    """

    @contextmanager
    def opened(challenge: Challenge, host: HostSession, required_device: str) -> Iterator[Place]:
        limits, files = challenge.description.limits, challenge.description.files
        with joined_cluster(address) as ray:
            each = devices_of_nodes(
                devices, required_device=required_device, classes=lambda: gpu_classes_of_nodes(ray)
            )
            device_class = recorded_class(each)
            on_cpu = device_class == CPU
            required = requirements_of(
                host.image,
                device_class=device_class,
                processor=processor_model() if on_cpu and limits.wall_fraction is not None else "",
                challenge_bytes=sum((challenge.folder / name).stat().st_size for name in files),
            )
            runtime = host.placement.runtime
            with ClusterPool(
                ray, required=required, devices=each, limits=limits, runtime=runtime, report=print_note
            ) as pool:
                timer = ClusterTimer(
                    pool,
                    device_class=device_class,
                    image=host.image,
                    runtime=runtime,
                    reporter=host.reporter,
                )
                yield Place(
                    new_executor=partial(ClusterExecutor, pool=pool),
                    device=device_class,
                    placement=host.placement,
                    timer=None if on_cpu else timer,
                    gpu_driver=partial(_gpu_drivers, pool),
                )

    return opened


def _gpu_drivers(pool: ClusterPool) -> str:
    """Return the versions of the drivers of the nodes that are used."""
    return gpu_drivers(node.facts for node in pool.overview() if node.facts is not None and node.devices)


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
