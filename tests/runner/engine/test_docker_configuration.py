"""Of the docker command's configuration, no container and no build receives anything."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker.credentials.errors
import docker.errors
import pytest

from runner.builder.plan import default_limits
from runner.engine.container_spec import (
    ContainerSpec,
    evaluator_container,
    trainer_container,
    worker_container,
)
from runner.engine.docker_connection import ENGINE_ERRORS
from runner.engine.docker_engine import DockerEngine
from runner.errors import HostNotReadyError, SandboxStartError
from tests.runner.engine.recording_engine import RecordingEngine, recording_engine

SECRET = "pa55word"
PROXIES: dict[str, Any] = {
    "httpProxy": f"http://user:{SECRET}@proxy.example:3128",
    "httpsProxy": f"http://user:{SECRET}@proxy.example:3129",
    "ftpProxy": f"http://user:{SECRET}@proxy.example:3130",
    "noProxy": f"{SECRET}.example",
}
LIMITS = default_limits("digits")
SPECS = {
    "worker": worker_container(image="IMAGE", limits=LIMITS, labels={}),
    "evaluator": evaluator_container(image="IMAGE", cpus=1.0, labels={}),
    "trainer": trainer_container(image="IMAGE", cpus=1.0, labels={}),
}


@pytest.fixture
def engine_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingEngine]:
    with recording_engine() as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        yield engine


def configure(monkeypatch: pytest.MonkeyPatch, folder: Path, content: object) -> None:
    """Make ``content`` the configuration of the docker command."""
    (folder / "config.json").write_text(content if isinstance(content, str) else json.dumps(content))
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


def build(engine: DockerEngine) -> None:
    """Build an image of an empty context."""
    engine.images.build(
        context=io.BytesIO(b"tar"),
        target="deps",
        tag="unlearn-deps:1",
        arguments={"BASE": "base"},
        labels={},
        on_line=lambda _line: None,
    )


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_no_container_gets_proxies_or_headers(
    engine_api: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spec: ContainerSpec
) -> None:
    """Proxies for all engines and for this one, passwords included, and headers of requests."""
    configure(
        monkeypatch,
        tmp_path,
        {
            "proxies": {"default": PROXIES, engine_api.address: PROXIES},
            "HttpHeaders": {"X-Own": SECRET},
            "detachKeys": SECRET,
        },
    )
    with pytest.raises(SandboxStartError):
        DockerEngine().start(spec)
    created = engine_api.posted("/containers/create")
    assert json.loads(created.body)["Env"] == [f"{name}={value}" for name, value in spec.environment.items()]
    assert SECRET not in created.body.decode()
    assert "proxy" not in created.body.decode().lower()
    assert created.headers["X-Own"] == SECRET, "the engine itself may require it, as for the docker command"


@pytest.mark.parametrize(
    "content",
    [
        {"proxies": {"default": PROXIES}},
        {
            "auths": {
                "https://index.docker.io/v1/": {"auth": base64.b64encode(b"user:" + SECRET.encode()).decode()}
            }
        },
        {"credsStore": "no-such-helper"},
        {"credHelpers": {"registry.example": "no-such-helper"}},
    ],
    ids=["proxies", "credentials", "missing store", "missing helper"],
)
def test_a_build_gets_only_its_own_arguments(
    engine_api: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: object
) -> None:
    """It needs no registry: no credentials are sent, and a missing helper does not end it."""
    configure(monkeypatch, tmp_path, content)
    build(DockerEngine())
    sent = engine_api.posted("/build")
    assert "buildargs=%7B%22BASE%22%3A+%22base%22%7D" in sent.path
    assert "X-Registry-Config" not in sent.headers
    assert SECRET not in sent.path + str(sent.headers)


@pytest.mark.parametrize(
    "content", [{"credsStore": "no-such-helper"}, {"credHelpers": {"https://index.docker.io/v1/": "none"}}]
)
def test_a_public_image_is_pulled_without_credentials(
    engine_api: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: object
) -> None:
    """Where the store of credentials is missing, the registry is asked without any."""
    configure(monkeypatch, tmp_path, content)
    assert DockerEngine().images.pull("python", "3.11")
    assert base64.urlsafe_b64decode(engine_api.posted("/images/create").headers["X-Registry-Auth"]) == b"{}"


@pytest.mark.parametrize(
    "content",
    [
        {"proxies": {"default": "http://proxy.example"}},
        {"proxies": "http://proxy.example"},
        {"HttpHeaders": "none"},
        {"auths": {"registry.example": "user"}},
        {"auths": {"registry.example": {"auth": "%%%"}}},
        {"credHelpers": ["desktop"], "auths": 3},
        [1],
        '"text"',
    ],
)
def test_a_malformed_configuration_is_one_sentence_or_harmless(
    engine_api: RecordingEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: object
) -> None:
    """Whatever docker-py raises while it reads it, the sentence names the file."""
    configure(monkeypatch, tmp_path, content)
    try:
        build(DockerEngine())
    except HostNotReadyError as error:
        assert str(tmp_path / "config.json") in str(error)  # noqa: PT017 - either end is right


@pytest.mark.parametrize("host", ["tcp://localhost:port", "tcp://[::1", "unknown://x", "fd://", "a b"])
def test_a_malformed_address_is_one_sentence(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Also where Python's own parser of addresses refuses it, with a ValueError."""
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(HostNotReadyError, match="DOCKER_HOST"):
        DockerEngine()


def test_every_error_of_the_client_library_is_expected() -> None:
    """Also those of docker-py that are no DockerException, and those of the libraries below it."""
    for module in (docker.errors, docker.credentials.errors):
        for name, value in vars(module).items():
            if (
                isinstance(value, type)
                and issubclass(value, Exception)
                and value.__module__ == module.__name__
            ):
                assert issubclass(value, ENGINE_ERRORS), name
