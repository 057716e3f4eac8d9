"""Fixtures of the suites that a fake and the real thing both pass."""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from runner.challenge.challenge import Challenge
from runner.cluster.pool import ClusterPool
from runner.engine.api import ContainerExit, Engine, Stream
from runner.engine.connect import connect_engine
from runner.engine.container_spec import ContainerSpec, trainer_container
from runner.engine.session import container_session
from runner.image.image import Image, require_image
from sandbox.protocol.frames import Frame
from tests.conformance import peer
from tests.containers.fixtures import *  # noqa: F403 - fixtures
from tests.support.fake_stream import Answer, FakeStream

Connect = Callable[[], Stream]


def fake_peer(frame: Frame) -> list[Answer]:
    """Do what `tests.conformance.peer` does."""
    if frame.kind == "submission":
        return [(0.0, frame.payload)]
    return [(0.0, None)] if frame.kind == "stop" else []


@pytest.fixture(scope="module")
def cluster_pool(challenge: Challenge, built_image: Image) -> Iterator[ClusterPool]:
    """Yield the pool of a cluster of two nodes on this machine."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed: make test-cluster")
    from tests.support.cluster.ray_cluster import pool_of, ray_cluster  # Ray is an extra

    with ray_cluster(2) as cluster, pool_of(cluster, challenge, built_image) as pool:
        yield pool


@pytest.fixture(scope="session")
def peer_spec() -> Iterator[tuple[Engine, ContainerSpec]]:
    """Return an engine, and a container of the image that runs the peer."""
    connected = connect_engine()
    with container_session(connected) as session_labels:
        spec = trainer_container(image=require_image(connected).tag, cpus=1.0, labels=session_labels)
        yield (
            connected,
            replace(spec, command=("/opt/venv/bin/python", "-u", "-c", inspect.getsource(peer))),
        )


@pytest.fixture(params=["fake", pytest.param("container", marks=pytest.mark.container)])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Return a function that connects to a new peer."""
    streams: list[Stream] = []

    def connect_to_peer() -> Stream:
        if request.param == "fake":
            ending = ContainerExit(exit_code=peer.EXIT_CODE, oom_killed=False)
            streams.append(FakeStream(fake_peer, ending=ending, stderr=peer.STDERR))
        else:
            connected, spec = request.getfixturevalue("peer_spec")
            streams.append(connected.start(spec))
        return streams[-1]

    yield connect_to_peer
    for stream in streams:
        stream.remove()
