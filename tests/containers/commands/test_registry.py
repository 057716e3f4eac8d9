"""The image moves between machines through a registry or a file, and stays the same.

The registry is Debian's, on loopback; the image is a small stand-in with this project's labels.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.engine.api import Engine
from runner.engine.container_spec import LABEL
from runner.errors import ConfigurationError, HostNotReadyError
from runner.image.image import BASE_LABEL, DIGEST_LABEL, REPOSITORY, Image, find_image, select_image
from runner.image.inputs import ImageInputs
from runner.image.reference import Reference
from runner.image.transfer import load_image, pull_image, push_image, save_image
from runner.progress import NullReporter
from tests.support.fake_engine import tar_of
from tests.support.paths import ROOT

pytestmark = [pytest.mark.container, pytest.mark.slow]

BASE = "sha256:a base that only another engine has"
DOCKERFILE = b"FROM scratch AS sandbox\nCOPY sandbox /opt/unlearn/sandbox\n"
CONFIGURATION = """
version: 0.1
storage:
  filesystem:
    rootdirectory: {folder}
http:
  addr: 127.0.0.1:{port}
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start Debian's registry, and return its address."""
    unpacked = ROOT / ".venv" / "registry" / "usr" / "bin" / "docker-registry"
    program = shutil.which("docker-registry") or (str(unpacked) if unpacked.is_file() else None)
    if program is None:
        pytest.skip("docker-registry is not here; `make test-all` unpacks it from Debian's package")
    folder = tmp_path_factory.mktemp("registry")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (folder / "config.yml").write_text(CONFIGURATION.format(folder=folder / "blobs", port=port))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", str(folder / "config.yml")], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 20
        while not answers(port):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture
def inputs(tmp_path: Path) -> ImageInputs:
    """A version of its own, so that no other test uses what this one selects."""
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "requirements", checkout / "requirements")
    (checkout / "sandbox" / "worker").mkdir(parents=True)
    (checkout / "sandbox" / "__init__.py").write_text(f"# {tmp_path}\n")
    (checkout / "sandbox" / "worker" / "main.py").write_text("print('worker')\n")
    (checkout / "Dockerfile").write_bytes(DOCKERFILE)
    return ImageInputs(checkout)


@pytest.fixture
def image(engine: Engine, inputs: ImageInputs) -> Iterator[Image]:
    """A stand-in of the image, built here, with the labels of one that was built elsewhere."""
    digest = inputs.image_digest(BASE)
    built = build(engine, digest, {**inputs.sandbox_files(), "Dockerfile": DOCKERFILE})
    yield built
    forget(engine, inputs, built)


def build(engine: Engine, digest: str, context: dict[str, bytes]) -> Image:
    tag = f"{REPOSITORY}:{digest[:16]}"
    engine.images.build(
        context=io.BytesIO(tar_of(context)),
        target="sandbox",
        tag=tag,
        arguments={},
        labels={DIGEST_LABEL: digest, BASE_LABEL: BASE},
        on_line=lambda _line: None,
    )
    identity = engine.images.identity(tag)
    assert identity is not None
    return Image(digest=digest, identity=identity)


def forget(engine: Engine, inputs: ImageInputs, image: Image) -> None:
    """Remove an image with all of its names, as on a machine that never had it."""
    selected = find_image(engine, inputs)
    if selected is not None:
        select_image(engine, selected, inputs)
    for name in [image.tag, image.identity]:
        if engine.images.identity(name) is not None:
            for each in engine.images.facts(name)["names"]:
                engine.images.remove(each)
    assert engine.images.identity(image.identity) is None


def test_pushed_removed_and_pulled_by_digest(
    engine: Engine, registry: str, inputs: ImageInputs, image: Image
) -> None:
    """The same identity; it is used at once, by an engine without the base."""
    pushed = push_image(engine, image, Reference.parse(f"{registry}/team/unlearn"), NullReporter())
    config = engine.images.facts(image.tag)["config"]
    forget(engine, inputs, image)
    assert find_image(engine, inputs) is None
    received = pull_image(engine, pushed, NullReporter(), labels={}, inputs=inputs)
    assert (received.image, received.is_present, received.replaced) == (image, True, None)
    assert find_image(engine, inputs) == image
    facts = engine.images.facts(image.tag)
    assert facts["config"] == config == image.identity
    assert str(pushed) in facts["names"]
    assert "reader" not in [labels[LABEL] for _identity, labels in engine.containers({})]


def test_saved_removed_and_loaded(engine: Engine, inputs: ImageInputs, image: Image, tmp_path: Path) -> None:
    """The same without a registry."""
    file = tmp_path / "image.tar"
    save_image(engine, image, file, NullReporter())
    forget(engine, inputs, image)
    received = load_image(engine, file, NullReporter(), labels={}, inputs=inputs)
    assert received.image == image == find_image(engine, inputs)


def test_an_image_with_another_sandbox_is_refused_and_removed(
    engine: Engine, registry: str, inputs: ImageInputs, image: Image, tmp_path: Path
) -> None:
    """From a registry and from a file, with the labels of this version; what had its name keeps it."""
    other = {**inputs.sandbox_files(), "sandbox/worker/main.py": b"print('evil')\n", "Dockerfile": DOCKERFILE}
    false = build(engine, image.digest, other)
    file, target = tmp_path / "false.tar", Reference.parse(f"{registry}/false:1")
    save_image(engine, false, file, NullReporter())
    pushed = push_image(engine, false, target, NullReporter())
    engine.images.tag(image.identity, *image.tag.split(":"))
    engine.images.remove(str(target))
    with pytest.raises(HostNotReadyError, match=r"its sandbox/worker/main.py is another"):
        load_image(engine, file, NullReporter(), labels={}, inputs=inputs)
    assert engine.images.identity(image.tag) == image.identity
    with pytest.raises(HostNotReadyError, match=r"its sandbox/worker/main.py is another"):
        pull_image(engine, pushed, NullReporter(), labels={}, inputs=inputs)
    assert engine.images.identity(image.tag) == image.identity
    assert engine.images.identity(str(pushed)) is None


@pytest.mark.parametrize("name", ["unlearn@sha256:" + "0" * 64, "none/unlearn:1"])
def test_what_the_registry_has_not_is_a_sentence(
    engine: Engine, registry: str, inputs: ImageInputs, name: str
) -> None:
    """With the registry's words."""
    with pytest.raises(HostNotReadyError, match=f"{name} could not be pulled: .*unknown"):
        pull_image(engine, Reference.parse(f"{registry}/{name}"), NullReporter(), labels={}, inputs=inputs)


def test_a_registry_that_does_not_answer_is_a_sentence(
    engine: Engine, inputs: ImageInputs, image: Image
) -> None:
    """Pulling and pushing."""
    nowhere = Reference.parse("127.0.0.1:1/unlearn:1")
    with pytest.raises(HostNotReadyError, match=r"could not be pulled: .*refused"):
        pull_image(engine, nowhere, NullReporter(), labels={}, inputs=inputs)
    with pytest.raises(HostNotReadyError, match=r"could not be pushed: .*refused"):
        push_image(engine, image, nowhere, NullReporter())


def test_a_damaged_file_is_a_sentence(
    engine: Engine, inputs: ImageInputs, image: Image, tmp_path: Path
) -> None:
    """Cut off in a layer, or before the list of names; the image here stays."""
    file = tmp_path / "image.tar"
    save_image(engine, image, file, NullReporter())
    whole = file.read_bytes()
    for size in (600, len(whole) // 2, len(whole) - 3000):
        file.write_bytes(whole[:size])
        with pytest.raises((HostNotReadyError, ConfigurationError)):
            load_image(engine, file, NullReporter(), labels={}, inputs=inputs)
        assert engine.images.identity(image.tag) == image.identity
