"""The container options equal the golden record, and depend on nothing but their arguments.

After an intended change, write the record again and show it in the diff::

    .venv/bin/python tests/runner/engine/test_container_spec.py
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest

from runner.builder.plan import default_limits
from runner.challenge.limits import Limits
from runner.engine.container_spec import (
    EVALUATION_LABEL,
    FIRST_SLOT_GID,
    FIRST_UID,
    LABEL,
    LAST_UID,
    SESSION_LABEL,
    ContainerSpec,
    evaluator_concurrency,
    evaluator_container,
    trainer_container,
    worker_container,
)
from runner.engine.docker_options import DockerOptions, container_name, docker_options
from tests.support.paths import RUNNER_GOLDEN

GOLDEN = RUNNER_GOLDEN / "options.json"
LABELS = {SESSION_LABEL: "SESSION"}
LIMITS = default_limits("digits")


def specs() -> dict[str, ContainerSpec]:
    """Return the container of each role, for the limits of the digits challenge."""
    return {
        "worker": worker_container(image="IMAGE", limits=LIMITS, labels=LABELS),
        "evaluator": evaluator_container(image="IMAGE", cpus=LIMITS.cpus, labels=LABELS),
        "trainer": trainer_container(image="IMAGE", cpus=LIMITS.cpus, labels=LABELS),
    }


def options_by_role() -> dict[str, DockerOptions]:
    """Return what Docker is sent for the container of each role."""
    return {role: docker_options(spec) for role, spec in specs().items()}


def record() -> str:
    """Return the text of the golden record."""
    options = {
        role: {"role": role, **dataclasses.asdict(docker)} for role, docker in options_by_role().items()
    }
    return json.dumps(options, indent=2, sort_keys=True) + "\n"


ROLES = pytest.mark.parametrize("role", ["worker", "evaluator", "trainer"])


def test_the_options_equal_the_golden_record() -> None:
    """Whoever loosens the isolation shows it in the diff; the top of this file says how."""
    assert record() == GOLDEN.read_text(), (
        "the isolation has changed; if that is intended, see the top of this file"
    )


@pytest.mark.parametrize(
    ("cpus", "checkpoint_mib", "expected"),
    [
        (2.0, 1, 2),
        (2.9, 1, 2),
        (0.5, 1, 1),
        (1024.0, 1, 64),
        (16.0, 64, 16),
        (16.0, 65, 15),
        (16.0, 512, 2),
        (16.0, 513, 1),
        (16.0, 4096, 1),
    ],
)
def test_evaluator_concurrency_is_bounded_by_cores_and_memory(
    cpus: float, checkpoint_mib: int, expected: int
) -> None:
    """One checkpoint per core, while four copies of each fit in half of the evaluator's memory."""
    assert evaluator_concurrency(cpus=cpus, checkpoint_bytes=checkpoint_mib << 20) == expected


@ROLES
def test_nothing_of_the_host_is_shared(role: str) -> None:
    """No role gets a folder, a device, a namespace or a volume of the host."""
    config = options_by_role()[role].host_config
    assert config["Binds"] == []
    assert config["NetworkMode"] == "none"
    assert config["IpcMode"] == "private"
    assert config["Privileged"] is False
    forbidden = {"Mounts", "Devices", "DeviceRequests", "VolumesFrom", "PidMode", "UTSMode", "UsernsMode"}
    assert not forbidden & config.keys()
    assert config["CgroupnsMode"] == "private"
    assert not {"CgroupParent", "DeviceCgroupRules", "Links"} & config.keys()
    assert config["Sysctls"] == {"net.core.somaxconn": "16"}


@ROLES
def test_the_root_file_system_is_read_only(role: str) -> None:
    """Only tmpfs can be written: bounded in bytes and inodes, without setuid or devices."""
    config = options_by_role()[role].host_config
    assert config["ReadonlyRootfs"] is True
    for path, mount in config["Tmpfs"].items():
        options = dict(part.partition("=")[::2] for part in mount.split(","))
        assert {"nosuid", "nodev"} <= options.keys(), path
        assert int(options["size"]) > 0
        assert int(options["nr_inodes"]) > 0


def test_only_the_worker_has_capabilities() -> None:
    """All are dropped; the worker gets three back, to change uids and to kill processes."""
    for role, spec in options_by_role().items():
        assert spec.host_config["CapDrop"] == ["ALL"]
        added = spec.host_config.get("CapAdd", [])
        assert sorted(added) == (["KILL", "SETGID", "SETUID"] if role == "worker" else [])
        assert (spec.user == "0:0") == (role == "worker")


@ROLES
def test_new_privileges_are_forbidden(role: str) -> None:
    """No other option replaces the engine's own seccomp and AppArmor profiles."""
    assert options_by_role()[role].host_config["SecurityOpt"] == ["no-new-privileges"]


@ROLES
def test_resources_are_bounded(role: str) -> None:
    """Memory without swap, processes, CPU, shared memory, open files and core dumps all have a limit."""
    config = options_by_role()[role].host_config
    assert config["Memory"] == config["MemorySwap"] > 0
    assert config["PidsLimit"] > 0
    share = LIMITS.concurrency if role == "worker" else 1
    assert config["NanoCpus"] == LIMITS.cpus * 1e9 / share
    assert config["ShmSize"] > 0
    ulimits = {limit["Name"]: (limit["Soft"], limit["Hard"]) for limit in config["Ulimits"]}
    assert ulimits["core"] == (1, 1)  # at 0, crash reporters of the host are started all the same
    assert ulimits["nofile"][1] > 0
    assert "OomKillDisable" not in config


@ROLES
def test_the_engine_stores_no_log_and_restarts_nothing(role: str) -> None:
    """Output cannot fill the host's disk, and an ended container stays for inspection."""
    config = options_by_role()[role].host_config
    assert config["LogConfig"] == {"Type": "none"}
    assert config["RestartPolicy"] == {"Name": "no"}
    assert config["AutoRemove"] is False


def test_the_environment_of_the_host_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment variable of this process changes the options or appears in them."""
    before = specs()
    for name in (
        "PATH",
        "HOME",
        "LANG",
        "PYTHONPATH",
        "OMP_NUM_THREADS",
        "HTTP_PROXY",
        "AWS_SECRET_ACCESS_KEY",
    ):
        monkeypatch.setenv(name, "from the host")
    assert specs() == before
    assert "from the host" not in record()


@ROLES
def test_containers_carry_their_role_and_the_requested_labels(role: str) -> None:
    """The caller's mapping of labels is not modified."""
    labels = dict(LABELS)
    spec = (
        worker_container(image="IMAGE", limits=LIMITS, labels=labels) if role == "worker" else specs()[role]
    )
    assert spec.labels == {**LABELS, LABEL: role}
    assert labels == LABELS


def test_results_share_no_mutable_state() -> None:
    """Modifying one result does not change the next."""
    for spec, options in zip(specs().values(), options_by_role().values(), strict=True):
        options.host_config.clear()
        for mapping in (spec.environment, spec.labels, options.environment, options.labels):
            mapping.clear()
    assert record() == GOLDEN.read_text()


def worker_config(**limits: Any) -> dict[str, Any]:
    """Return the worker's options for these limits."""
    spec = worker_container(image="IMAGE", limits=Limits(**limits), labels={})
    return docker_options(spec).host_config


def test_a_worker_has_one_scratch_folder() -> None:
    """Owned by root until the run's group gets it, however many runs go on at once in other containers."""
    tmpfs = worker_config(concurrency=3, scratch_bytes=12345, scratch_inodes=67)["Tmpfs"]
    scratch = {path: mount for path, mount in tmpfs.items() if path.startswith("/scratch")}
    assert scratch.keys() == {"/scratch/0"}
    assert scratch["/scratch/0"].endswith("size=12345,nr_inodes=67,mode=0700")


def test_the_limits_of_the_challenge_reach_the_engine() -> None:
    """A worker has the limits of one run, its share of the cores, and the supervisor's share beside them."""
    single = worker_config(concurrency=1, memory_bytes=1 << 30, processes=100)
    triple = worker_config(concurrency=3, memory_bytes=1 << 30, processes=100)
    assert triple["Memory"] == single["Memory"]
    assert triple["PidsLimit"] == single["PidsLimit"]
    assert worker_config(concurrency=2, cpus=3.0)["NanoCpus"] == 1_500_000_000
    assert single["Memory"] > 1 << 30
    assert single["PidsLimit"] > 100
    assert worker_config(shared_memory_bytes=777)["ShmSize"] == 777
    assert worker_config(cpus=0.5, concurrency=1)["NanoCpus"] == 500_000_000


def test_uids_and_gids_do_not_overlap() -> None:
    """No run's uid equals a slot's gid, root or nobody, with up to 64 slots."""
    slots = range(FIRST_SLOT_GID, FIRST_SLOT_GID + 64)
    assert slots.start > 0
    assert slots.stop <= FIRST_UID < LAST_UID < 65_534


@ROLES
def test_names_tell_role_and_evaluation_and_are_never_used_twice(role: str) -> None:
    """A person sees them in `docker ps`. A label that is no name of an evaluation is left out."""
    spec = specs()[role]
    named = dataclasses.replace(spec, labels={**spec.labels, EVALUATION_LABEL: "48ac8f5c8ded"})
    assert re.fullmatch(f"unlearn-{role}-48ac8f5c8ded-[0-9a-f]{{8}}", container_name(named))
    assert len({container_name(named) for _ in range(100)}) == 100
    for label in ("", "../x", "a b", "x" * 65, "\n"):
        odd = dataclasses.replace(spec, labels={**spec.labels, EVALUATION_LABEL: label})
        assert re.fullmatch(f"unlearn-{role}-[0-9a-f]{{8}}", container_name(odd))


if __name__ == "__main__":
    GOLDEN.write_text(record())
