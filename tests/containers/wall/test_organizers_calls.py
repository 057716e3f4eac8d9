"""An organizer's own network, and what reads a checkpoint, may make no call that a run may not make.

A participant may receive a challenge from an organizer whom they do not trust: its module is executed where
references are trained and outputs are computed, by our programs, which have the filter of runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from runner.challenge.load import load_challenge
from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import EvaluatorClient
from runner.engine.api import Engine
from runner.engine.container_spec import evaluator_container
from runner.engine.placement import Placement
from runner.image.image import Image
from tests.containers.conftest import InImage

pytestmark = pytest.mark.container

OPEN_CALLS: Final = """
import ctypes, os, resource, select, socket, threading

libc = ctypes.CDLL(None, use_errno=True)

def attempts():
    yield "a socket of the internet", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM).close()
    yield "epoll", lambda: select.epoll().close()
    yield "inotify", lambda: succeed(libc.inotify_init1(0))
    yield "a timer with a descriptor", lambda: succeed(libc.timerfd_create(1, 0))
    yield "a file in memory", lambda: os.close(os.memfd_create("x"))
    yield "attributes of files", lambda: os.listxattr("/")
    yield "another limit of core dumps", lower_the_limit

def succeed(fd):
    if fd < 0:
        raise OSError(ctypes.get_errno(), "refused")
    os.close(fd)

def lower_the_limit():
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if resource.getrlimit(resource.RLIMIT_CORE)[0] != 0:
        raise OSError("it stays")

def open_calls():
    found = []
    for name, attempt in attempts():
        try:
            attempt()
            found.append(name)
        except OSError:
            pass
    return found

def everywhere():
    found = {"at once": open_calls()}
    thread = threading.Thread(target=lambda: found.update({"in a thread": open_calls()}))
    thread.start()
    thread.join()
    return [f"{name}, {where}" for where, names in found.items() for name in names]
"""
NETWORK: Final = f"""
{OPEN_CALLS}
from torch import nn

class Linear(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.head = nn.Linear(64, classes)

    def forward(self, image):
        refuse_open_calls()
        return self.head(image.flatten(1))

def refuse_open_calls():
    if found := everywhere():
        raise ValueError(f"open: {{found}}")

def build(classes):
    refuse_open_calls()
    return Linear(classes)

refuse_open_calls()
"""


def test_the_attempts_succeed_without_the_filter(in_image: InImage) -> None:
    """The control: a container of the same kind, whose program installs nothing."""
    script = f"{OPEN_CALLS}\nimport json\nprint(json.dumps(open_calls()))"
    assert len(json.loads(in_image(script))) == 7


@pytest.mark.parametrize("runtime", ["runc", "runsc"])
def test_an_organizers_network_makes_no_refused_call(
    engine: Engine,
    built_image: Image,
    labels: dict[str, str],
    challenge_with_network: Callable[[str], Path],
    runtime: str,
) -> None:
    """Neither as it is trained nor as its outputs are computed, in any thread; else the build would fail."""
    if runtime not in engine.info().runtimes:
        pytest.skip(f"this engine has no {runtime}")
    challenge = load_challenge(challenge_with_network(NETWORK))
    placement = Placement(runtime=runtime)
    container = engine.start(
        evaluator_container(image=built_image.tag, cpus=2.0, labels=labels, placement=placement)
    )
    try:
        evaluator = EvaluatorClient(stream=container, challenge=challenge, placement=placement)
        evaluator.set_concurrency(2)
        for index in range(3):
            evaluator.send(index, challenge.data("original"))
        answers = dict(evaluator.receive(120.0) for _ in range(3))
    finally:
        container.remove()
    assert all(isinstance(answer, NetworkOutputs) for answer in answers.values()), answers
