"""Is a container as closed when Podman is asked for it? Its record stands beside Docker's.

After a change that is meant, write the record anew and show it in the diff::

    .venv/bin/python tests/runner/engine/test_podman.py
"""

from __future__ import annotations

import copy
import dataclasses
import json

import pytest

from runner.builder.plan import default_limits
from runner.challenge.limits import Limits
from runner.engine.container_spec import (
    evaluator_container,
    trainer_container,
    worker_container,
)
from runner.engine.docker_options import DockerOptions, docker_options
from runner.engine.info import is_podman
from runner.engine.placement import GpuRequest, Placement
from runner.engine.podman import podman_options, short_name
from runner.errors import HostNotReadyError
from tests.support.paths import RUNNER_GOLDEN

GOLDEN = RUNNER_GOLDEN / "podman.json"
LIMITS = default_limits("digits")
KNOWN_TO_PODMAN = {"rw", "ro", "nosuid", "nodev", "noexec", "notmpcopyup", "size", "mode"}
"""As 4.3.1 was seen to take them; it refuses `nr_inodes`, `uid` and `gid`."""


def docker_specs() -> dict[str, DockerOptions]:
    """Return the container of each role in Docker's words."""
    return {
        "worker": docker_options(worker_container(image="IMAGE", limits=LIMITS, labels={"a": "b"})),
        "evaluator": docker_options(evaluator_container(image="IMAGE", cpus=LIMITS.cpus, labels={})),
        "trainer": docker_options(trainer_container(image="IMAGE", cpus=LIMITS.cpus, labels={})),
    }


def record() -> str:
    """Return the text of the golden record."""
    options = {
        role: {"role": role, **dataclasses.asdict(podman_options(docker))}
        for role, docker in docker_specs().items()
    }
    return json.dumps(options, indent=2, sort_keys=True) + "\n"


ROLES = pytest.mark.parametrize("role", ["worker", "evaluator", "trainer"])


def test_golden_record() -> None:
    """What Podman is told is what the tree records; after a change that is meant, see this file's top."""
    assert record() == GOLDEN.read_text(), "the wall has changed: is it meant? Then see the top of this file."


@ROLES
def test_only_the_words_differ(role: str) -> None:
    """Beside tmpfs, masks and the number of a user's processes, Podman is told what Docker is told."""
    docker = docker_specs()[role]
    podman = podman_options(docker)
    reworded = {"Tmpfs", "MaskedPaths", "SecurityOpt", "Ulimits"}
    kept = {key: value for key, value in docker.host_config.items() if key not in reworded}
    assert {key: value for key, value in podman.host_config.items() if key not in reworded} == kept
    assert podman.host_config["Ulimits"][:-1] == docker.host_config["Ulimits"]
    unset = {name: value for name, value in podman.environment.items() if value}
    assert unset == docker.environment
    assert (
        dataclasses.replace(podman, environment=docker.environment, host_config=docker.host_config) == docker
    ), "no label, command or user"


@ROLES
def test_what_can_be_written_is_memory_and_cannot_be_executed(role: str) -> None:
    """Each tmpfs has a size, and nothing that Podman would refuse or add by itself."""
    docker, podman = docker_specs()[role], podman_options(docker_specs()[role])
    for place, said in podman.host_config["Tmpfs"].items():
        given = dict(word.partition("=")[::2] for word in said.split(","))
        assert given.keys() <= KNOWN_TO_PODMAN
        assert {"nosuid", "nodev", "noexec", "notmpcopyup", "size"} <= given.keys()
        assert len(said.split(",")) == len(given), "Podman refuses an option that stands twice"
        if place in docker.host_config["Tmpfs"]:
            assert f",size={given['size']}," in docker.host_config["Tmpfs"][place]
            assert f"mode={given['mode']}" in docker.host_config["Tmpfs"][place]
        else:
            assert "ro" in given, f"{place} is Podman's own: nobody clears it between runs"
    assert {"/run", "/var/tmp", "/tmp"} <= podman.host_config["Tmpfs"].keys()


@ROLES
def test_what_docker_hides_podman_hides(role: str) -> None:
    """Every masked path, and the files of the host's that Podman mounts."""
    docker, podman = docker_specs()[role], podman_options(docker_specs()[role])
    privileges, masks = podman.host_config["SecurityOpt"]
    assert privileges == "no-new-privileges"
    hidden = set(masks.removeprefix("mask=").split(":"))
    assert {*docker.host_config["MaskedPaths"], "/etc/hosts", "/etc/resolv.conf"} <= hidden
    assert "MaskedPaths" not in podman.host_config


def test_the_engines_proxies_stay_outside() -> None:
    """Their addresses can hold passwords: the container has the variables already, empty."""
    environment = podman_options(docker_specs()["worker"]).environment
    for name in ("http_proxy", "HTTPS_PROXY", "NO_PROXY"):
        assert environment[name] == ""


def test_a_worker_may_have_its_processes() -> None:
    """The limit for a user of the host is never below the container's own."""
    many = podman_options(
        docker_options(worker_container(image="IMAGE", limits=Limits(processes=50_000), labels={}))
    )
    assert many.host_config["Ulimits"][-1]["Hard"] == many.host_config["PidsLimit"]


@pytest.mark.parametrize(
    "placement",
    [Placement(runtime="runsc"), Placement(gpu=GpuRequest(name="all", by_cdi=True))],
    ids=["runtime", "gpu"],
)
def test_what_podman_would_leave_out_is_refused(placement: Placement) -> None:
    """It ignores a container's runtime without a word: gVisor would be asked for, recorded, and absent."""
    spec = docker_options(worker_container(image="IMAGE", limits=LIMITS, labels={}, placement=placement))
    with pytest.raises(HostNotReadyError, match="use Docker"):
        podman_options(spec)


def test_nothing_given_is_changed() -> None:
    """The options in Docker's words stay as they were."""
    spec = docker_specs()["worker"]
    before = copy.deepcopy(spec)
    podman_options(spec)
    assert spec == before


def test_an_engine_says_what_it_is() -> None:
    """By the name of a part; Docker names another, and old ones none."""
    assert is_podman({"Components": [{"Name": "Podman Engine", "Version": "4.3.1"}, {"Name": "Conmon"}]})
    assert not is_podman({"Components": [{"Name": "Engine"}, {"Name": "containerd"}]})
    assert not is_podman({"Version": "1.12"})


def test_images_keep_their_names() -> None:
    """Or the present image would be taken for one that a newer has superseded, and removed."""
    assert short_name("localhost/unlearn-deps:1") == short_name("docker.io/library/unlearn-deps:1")
    assert short_name("unlearn-deps:1") == "unlearn-deps:1"
    assert short_name("example.org/localhost/deps:1") == "example.org/localhost/deps:1"


if __name__ == "__main__":
    GOLDEN.write_text(record())
