"""The engine that the docker command would use is used, or none."""

from __future__ import annotations

import gc
import hashlib
import json
import warnings
from pathlib import Path

import pytest

from runner.engine.docker_address import context_is_named, engine_address
from runner.engine.docker_engine import DockerEngine
from runner.errors import HostNotReadyError
from runner.progress import NullReporter
from runner.setup.engine import prepare_host
from tests.runner.engine.recording_engine import recording_engine


@pytest.fixture(autouse=True)
def configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder of the docker command's configuration, which is empty."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def add_context(configuration: Path, name: str, text: str) -> None:
    """Write the metadata of a context."""
    folder = configuration / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(text)


def metadata(host: str) -> str:
    """Return the metadata of a context for an address."""
    return json.dumps({"Name": "x", "Metadata": {}, "Endpoints": {"docker": {"Host": host}}})


def choose(monkeypatch: pytest.MonkeyPatch, configuration: Path, name: str, *, by: str) -> None:
    """Choose a context by the environment or by the configuration."""
    if by == "DOCKER_CONTEXT":
        monkeypatch.setenv("DOCKER_CONTEXT", name)
    else:
        (configuration / "config.json").write_text(json.dumps({"currentContext": name}))


def refusal() -> str:
    """Return the sentence with which no engine answers; docker-py leaves its socket to be collected."""
    with pytest.raises(HostNotReadyError) as caught:
        DockerEngine()
    sentence = str(caught.value)
    del caught
    with warnings.catch_warnings(action="ignore"):
        gc.collect()
    return sentence


BY = pytest.mark.parametrize("by", ["DOCKER_CONTEXT", "currentContext"])


@BY
def test_a_missing_context_is_not_replaced_by_the_default(
    monkeypatch: pytest.MonkeyPatch, configuration: Path, by: str
) -> None:
    """The sentence names it, and what names it; no engine is installed in its place."""
    choose(monkeypatch, configuration, "nosuch", by=by)
    with pytest.raises(HostNotReadyError, match="context nosuch was not found") as caught:
        DockerEngine()
    assert by in str(caught.value)
    with pytest.raises(HostNotReadyError, match="context nosuch was not found"):
        prepare_host(NullReporter())


@BY
@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1"])
def test_a_dead_context_is_named_with_its_address(
    monkeypatch: pytest.MonkeyPatch, configuration: Path, by: str, host: str
) -> None:
    """Whether its socket is missing or nobody listens."""
    add_context(configuration, "dead", metadata(host))
    choose(monkeypatch, configuration, "dead", by=by)
    sentence = refusal()
    assert "No container engine answers" in sentence
    assert f"{host}, the address of Docker's context dead" in sentence


@BY
def test_a_living_context_is_used(monkeypatch: pytest.MonkeyPatch, configuration: Path, by: str) -> None:
    """Without a configuration file too; its address is the engine's."""
    with recording_engine() as engine:
        add_context(configuration, "living", metadata(engine.address))
        choose(monkeypatch, configuration, "living", by=by)
        assert DockerEngine().address == engine.address
        assert engine.requests


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"Endpoints": 3}', '{"Endpoints": {"docker": {}}}', metadata(""), "[" * 100_000]
)
def test_damaged_metadata_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, configuration: Path, text: str
) -> None:
    """Exit code 3, and the file is named."""
    add_context(configuration, "damaged", text)
    monkeypatch.setenv("DOCKER_CONTEXT", "damaged")
    with pytest.raises(HostNotReadyError, match=r"context damaged cannot be used: .*meta\.json"):
        DockerEngine()


def test_docker_host_comes_first_and_dead_is_named(
    monkeypatch: pytest.MonkeyPatch, configuration: Path
) -> None:
    """As for the docker command, a context is then not looked at."""
    choose(monkeypatch, configuration, "nosuch", by="DOCKER_CONTEXT")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    assert engine_address().url == "unix:///nowhere/docker.sock"
    assert not context_is_named()
    assert "at unix:///nowhere/docker.sock, the address in DOCKER_HOST" in refusal()


@pytest.mark.parametrize("name", ["", "default"])
def test_the_default_context_is_the_default_socket(
    monkeypatch: pytest.MonkeyPatch, configuration: Path, name: str
) -> None:
    """Also where the configuration names it, or names nothing."""
    monkeypatch.setenv("DOCKER_CONTEXT", name)
    (configuration / "config.json").write_text(json.dumps({"currentContext": ""}))
    assert engine_address().url == "unix:///var/run/docker.sock"
    assert not context_is_named()
