"""A container under Podman is as closed as under Docker; a golden record shows its options.

After an intended change, write the record again and show it in the diff::

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
"""The tmpfs options that 4.3.1 accepted when tried; it refuses `nr_inodes`, `uid` and `gid`."""


def docker_specs() -> dict[str, DockerOptions]:
    """Return Docker's options for the container of each role."""
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


def test_the_options_equal_the_golden_record() -> None:
    """Whoever loosens the isolation shows it in the diff; the top of this file says how."""
    assert record() == GOLDEN.read_text(), (
        "the isolation has changed; if that is intended, see the top of this file"
    )


@ROLES
def test_only_the_notation_differs(role: str) -> None:
    """Except for tmpfs, masks and the process limit of a user, Podman is sent what Docker is sent."""
    docker = docker_specs()[role]
    podman = podman_options(docker)
    reworded = {"Tmpfs", "MaskedPaths", "SecurityOpt", "Ulimits"}
    unchanged = {key: value for key, value in docker.host_config.items() if key not in reworded}
    assert {key: value for key, value in podman.host_config.items() if key not in reworded} == unchanged
    assert podman.host_config["Ulimits"][:-1] == docker.host_config["Ulimits"]
    nonempty = {name: value for name, value in podman.environment.items() if value}
    assert nonempty == docker.environment
    assert (
        dataclasses.replace(podman, environment=docker.environment, host_config=docker.host_config) == docker
    ), "no label, command or user"


@ROLES
def test_writable_mounts_are_bounded_tmpfs_without_exec(role: str) -> None:
    """Each tmpfs has a size, and no option that Podman would refuse or add on its own."""
    docker, podman = docker_specs()[role], podman_options(docker_specs()[role])
    for path, mount in podman.host_config["Tmpfs"].items():
        options = dict(word.partition("=")[::2] for word in mount.split(","))
        assert options.keys() <= KNOWN_TO_PODMAN
        assert {"nosuid", "nodev", "noexec", "notmpcopyup", "size"} <= options.keys()
        assert len(mount.split(",")) == len(options), "Podman refuses a repeated option"
        if path in docker.host_config["Tmpfs"]:
            assert f",size={options['size']}," in docker.host_config["Tmpfs"][path]
            assert f"mode={options['mode']}" in docker.host_config["Tmpfs"][path]
        else:
            assert "ro" in options, f"{path} is added by Podman, and is not cleaned up between runs"
    assert {"/run", "/var/tmp", "/tmp"} <= podman.host_config["Tmpfs"].keys()


@ROLES
def test_podman_masks_every_path_that_docker_masks(role: str) -> None:
    """Files of the host that Podman mounts are masked in addition."""
    docker, podman = docker_specs()[role], podman_options(docker_specs()[role])
    privileges, masks = podman.host_config["SecurityOpt"]
    assert privileges == "no-new-privileges"
    hidden = set(masks.removeprefix("mask=").split(":"))
    assert {*docker.host_config["MaskedPaths"], "/etc/hosts", "/etc/resolv.conf"} <= hidden
    assert "MaskedPaths" not in podman.host_config


def test_proxy_variables_of_the_engine_are_not_inherited() -> None:
    """Their addresses can hold passwords, so the container gets the variables set to empty."""
    environment = podman_options(docker_specs()["worker"]).environment
    for name in ("http_proxy", "HTTPS_PROXY", "NO_PROXY"):
        assert environment[name] == ""


def test_the_users_process_limit_is_not_below_the_containers() -> None:
    """Otherwise a worker could not start the processes that its challenge allows."""
    options = podman_options(
        docker_options(worker_container(image="IMAGE", limits=Limits(processes=50_000), labels={}))
    )
    assert options.host_config["Ulimits"][-1]["Hard"] == options.host_config["PidsLimit"]


@pytest.mark.parametrize(
    "placement",
    [Placement(runtime="runsc"), Placement(gpu=GpuRequest(name="all", by_cdi=True))],
    ids=["runtime", "gpu"],
)
def test_requests_that_podman_would_ignore_are_refused(placement: Placement) -> None:
    """It silently ignores a container's runtime: gVisor would be requested and recorded, but not used."""
    spec = docker_options(worker_container(image="IMAGE", limits=LIMITS, labels={}, placement=placement))
    with pytest.raises(HostNotReadyError, match="use Docker"):
        podman_options(spec)


def test_the_argument_is_not_modified() -> None:
    """Docker's options stay as they were."""
    spec = docker_specs()["worker"]
    before = copy.deepcopy(spec)
    podman_options(spec)
    assert spec == before


def test_podman_is_recognized_by_the_name_of_a_component() -> None:
    """Docker names another component, and old versions of Docker name none."""
    assert is_podman({"Components": [{"Name": "Podman Engine", "Version": "4.3.1"}, {"Name": "Conmon"}]})
    assert not is_podman({"Components": [{"Name": "Engine"}, {"Name": "containerd"}]})
    assert not is_podman({"Version": "1.12"})


def test_registry_prefixes_are_removed_from_image_names() -> None:
    """Otherwise the current image would be mistaken for a superseded one and removed."""
    assert short_name("localhost/unlearn-deps:1") == short_name("docker.io/library/unlearn-deps:1")
    assert short_name("unlearn-deps:1") == "unlearn-deps:1"
    assert short_name("example.org/localhost/deps:1") == "example.org/localhost/deps:1"


if __name__ == "__main__":
    GOLDEN.write_text(record())
