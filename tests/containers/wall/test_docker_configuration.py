"""Of the docker command's configuration, nothing is in the environment of a real container."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from runner.challenge.limits import Limits
from runner.engine.container_spec import evaluator_container, trainer_container, worker_container
from runner.engine.docker_connection import CALL_SECONDS, connect
from runner.engine.docker_engine import DockerEngine
from runner.image.image import Image

pytestmark = pytest.mark.container

SECRET = "pa55word"
PROXY = f"http://user:{SECRET}@proxy.example:3128"
CONFIGURATION = {
    "proxies": {
        "default": {
            "httpProxy": PROXY,
            "httpsProxy": PROXY,
            "ftpProxy": PROXY,
            "noProxy": f"{SECRET}.example",
        }
    },
    "HttpHeaders": {"X-Own": SECRET},
    "credsStore": "no-such-helper",
    "detachKeys": "ctrl-x",
}


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DockerEngine:
    """Return an engine that was connected under such a configuration."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIGURATION))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return DockerEngine()


@pytest.mark.parametrize("role", ["worker", "evaluator", "trainer"])
def test_a_containers_environment_has_none_of_it(
    configured: DockerEngine, built_image: Image, labels: dict[str, str], role: str
) -> None:
    """By what the engine recorded of the running container: environment and everything else."""
    spec = {
        "worker": worker_container(image=built_image.tag, limits=Limits(), labels=labels),
        "evaluator": evaluator_container(image=built_image.tag, cpus=1.0, labels=labels),
        "trainer": trainer_container(image=built_image.tag, cpus=1.0, labels=labels),
    }[role]
    container = configured.start(spec)
    try:
        inspected = connect(CALL_SECONDS).inspect_container(container.identity)
    finally:
        container.remove()
    values = [variable for variable in inspected["Config"]["Env"] if not variable.endswith("=")]
    assert not [variable for variable in values if "proxy" in variable.lower()]
    assert SECRET not in json.dumps(inspected)


def test_a_build_has_none_of_it_and_needs_no_credentials(
    configured: DockerEngine, built_image: Image
) -> None:
    """A build whose only step prints its environment; the helper of the credentials does not exist."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        content = b"ARG BASE\nFROM ${BASE} AS probe\nRUN env\n"
        header = tarfile.TarInfo("Dockerfile")
        header.size = len(content)
        archive.addfile(header, io.BytesIO(content))
    context.seek(0)
    lines: list[str] = []
    tag = "unlearn-environment-test:1"
    try:
        configured.images.build(
            context=context,
            target="probe",
            tag=tag,
            arguments={"BASE": built_image.tag},
            labels={},
            on_line=lines.append,
        )
    finally:
        configured.images.remove(tag)
    printed = "\n".join(lines)
    assert "PATH=" in printed
    assert SECRET not in printed
    assert "proxy" not in printed.lower()
