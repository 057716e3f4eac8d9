"""What holds of every container engine: the fake one of unit tests, and the one of this host.

Another engine is added to `ENGINES` and passes the same claims.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runner.engine.api import Container, Engine, running
from runner.engine.container_spec import LABEL, SESSION_LABEL, ContainerSpec, evaluator_container
from runner.errors import HostNotReadyError, SandboxLostError
from runner.image.image import Image
from tests.support.fake_engine import FakeEngine

ENGINES = ["fake", pytest.param("host", marks=pytest.mark.container)]
TRUE, FALSE, CAT = (("/usr/bin/true",), ("/usr/bin/false",), ("/usr/bin/cat",))
COPY = "unlearn-conformance"


@pytest.fixture(params=ENGINES)
def subject(request: pytest.FixtureRequest) -> Engine:
    if request.param == "host":
        host: Engine = request.getfixturevalue("engine")
        return host
    fake = FakeEngine()
    fake.images.import_archive(Path("any"), "unlearn-sandbox", "conformance")
    return fake


@pytest.fixture
def spec(subject: Engine, request: pytest.FixtureRequest) -> Iterator[ContainerSpec]:
    """Return a container with a label of this test's own; those that are left are removed."""
    tag = "unlearn-sandbox:conformance"
    if not isinstance(subject, FakeEngine):
        image: Image = request.getfixturevalue("built_image")
        tag = image.tag
    labels = {SESSION_LABEL: f"conformance-{uuid.uuid4().hex}"}
    yield replace(evaluator_container(image=tag, cpus=1.0, labels=labels), command=CAT)
    for identity, _labels in subject.containers(labels):
        subject.remove(identity)


def own(subject: Engine, spec: ContainerSpec) -> list[str]:
    """Return the containers that this test's label is on."""
    labels = {SESSION_LABEL: spec.labels[SESSION_LABEL]}
    return [identity for identity, _labels in subject.containers(labels)]


def send_much(container: Container) -> None:
    """Send more than any buffer on the way takes."""
    for _piece in range(100):
        container.send(b"x" * 65536)


def test_it_reports_its_host(subject: Engine) -> None:
    """The same machine each time, with cores and memory; the default runtime is one of its runtimes."""
    info = subject.info()
    assert info.cores >= 1
    assert info.memory_bytes > 0
    assert info.default_runtime in info.runtimes
    assert info.machine() == subject.info().machine()


def test_a_container_is_known_by_its_labels_until_it_is_removed(subject: Engine, spec: ContainerSpec) -> None:
    """Its role is one of them; removing it again is no error."""
    container = subject.start(spec)
    assert own(subject, spec) == [container.identity]
    ((_identity, labels),) = subject.containers({SESSION_LABEL: spec.labels[SESSION_LABEL]})
    assert labels[LABEL] == "evaluator"
    assert subject.containers({SESSION_LABEL: "another"}) == []
    container.remove()
    container.remove()
    subject.remove(container.identity)
    assert own(subject, spec) == []


def test_memory_that_a_container_may_still_use_is_counted(subject: Engine, spec: ContainerSpec) -> None:
    """Up to its limit, as long as it runs."""
    with running(subject, spec):
        assert subject.unused_memory_bytes() >= 0.9 * spec.memory_bytes


def test_running_removes_the_container_whatever_happens(subject: Engine, spec: ContainerSpec) -> None:
    """After an error, too."""
    with running(subject, spec) as container:
        container.send(b"hello")
        assert container.receive(10.0) == b"hello"
    assert own(subject, spec) == []
    with pytest.raises(ZeroDivisionError), running(subject, spec):
        raise ZeroDivisionError
    assert own(subject, spec) == []


@pytest.mark.parametrize(("command", "code"), [(TRUE, 0), (FALSE, 1)])
def test_a_container_that_ends_ends_its_stream(
    subject: Engine, spec: ContainerSpec, command: tuple[str, ...], code: int
) -> None:
    """And the engine knows its exit code."""
    with running(subject, replace(spec, command=command)) as container:
        assert container.receive(30.0) is None
        ending = container.ending()
        assert ending is not None
        assert (ending.exit_code, ending.oom_killed) == (code, False)
        assert not container.is_running()


def test_a_killed_container_takes_nothing_more(subject: Engine, spec: ContainerSpec) -> None:
    """It has ended, as by a kill."""
    with running(subject, spec) as container:
        assert container.is_running()
        assert container.receive(0.05) == b""
        container.kill()
        container.kill()
        ending = container.ending()
        assert ending is not None
        assert ending.exit_code == 137
        with pytest.raises(SandboxLostError):
            send_much(container)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"image": "unlearn-sandbox:none"}, "image is not built"), ({"cpus": 4096.0}, "too few cores")],
)
def test_what_the_host_lacks_is_a_sentence_and_leaves_nothing(
    subject: Engine, spec: ContainerSpec, change: dict[str, object], sentence: str
) -> None:
    """No image, not so many cores."""
    with pytest.raises(HostNotReadyError, match=sentence):
        subject.start(replace(spec, **change))  # type: ignore[arg-type]
    assert own(subject, spec) == []


def test_a_folder_that_an_image_has_not_is_an_error(subject: Engine, spec: ContainerSpec) -> None:
    """Of the host's engine: nothing was started to read it, and nothing is left."""
    labels = {SESSION_LABEL: spec.labels[SESSION_LABEL]}
    with pytest.raises(HostNotReadyError, match="could not be read"):
        subject.images.folder_archive(spec.image, "/opt/none", max_bytes=1 << 20, labels=labels)
    assert own(subject, spec) == []


def test_images_have_names(subject: Engine, spec: ContainerSpec) -> None:
    """A second name is the same image; removed it is gone, and the first stays."""
    identity = subject.images.identity(spec.image)
    assert identity is not None
    assert subject.images.facts(spec.image)["size_bytes"] > 0
    assert spec.image in subject.images.tags("unlearn-sandbox")
    subject.images.tag(spec.image, COPY, "copy")
    assert subject.images.identity(f"{COPY}:copy") == identity
    assert subject.images.tags(COPY) == [f"{COPY}:copy"]
    subject.images.remove(f"{COPY}:copy")
    subject.images.remove(f"{COPY}:copy")
    assert subject.images.identity(f"{COPY}:copy") is None
    assert subject.images.identity(spec.image) == identity
