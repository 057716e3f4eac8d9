"""Is the wall as closed as it is recorded, and does nothing but its arguments change it?

After a change that is meant, write the record anew and show it in the diff::

    .venv/bin/python tests/runner/engine/test_container_spec.py
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from runner.builder.plan import default_limits
from runner.challenge.limits import Limits
from runner.engine.container_spec import (
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
from runner.engine.docker_options import DockerOptions, docker_options
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


def test_golden_record() -> None:
    """What the engine is told is what the tree records; after a change that is meant, see this file's top."""
    assert record() == GOLDEN.read_text(), "the wall has changed: is it meant? Then see the top of this file."


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
def test_checkpoints_side_by_side(cpus: float, checkpoint_mib: int, expected: int) -> None:
    """One on each core, as long as four copies of each fill no more than half of the evaluator's memory."""
    assert evaluator_concurrency(cpus=cpus, checkpoint_bytes=checkpoint_mib << 20) == expected


@ROLES
def test_no_way_to_the_host(role: str) -> None:
    """No role sees a folder, a device, a namespace or a volume of the host."""
    config = options_by_role()[role].host_config
    assert config["Binds"] == []
    assert config["NetworkMode"] == "none"
    assert config["IpcMode"] == "private"
    assert config["Privileged"] is False
    forbidden = {"Mounts", "Devices", "DeviceRequests", "VolumesFrom", "PidMode", "UTSMode", "UsernsMode"}
    assert not forbidden & config.keys()
    assert config["CgroupnsMode"] == "private"
    assert not {"CgroupParent", "DeviceCgroupRules", "Sysctls", "Links"} & config.keys()


@ROLES
def test_root_is_read_only(role: str) -> None:
    """All that can be written is memory, limited in bytes and in files, without setuid or devices."""
    config = options_by_role()[role].host_config
    assert config["ReadonlyRootfs"] is True
    for place, mode in config["Tmpfs"].items():
        given = dict(part.partition("=")[::2] for part in mode.split(","))
        assert {"nosuid", "nodev"} <= given.keys(), place
        assert int(given["size"]) > 0
        assert int(given["nr_inodes"]) > 0


def test_capabilities() -> None:
    """Every capability is dropped; the worker alone, which changes identity and kills, has three back."""
    for role, spec in options_by_role().items():
        assert spec.host_config["CapDrop"] == ["ALL"]
        added = spec.host_config.get("CapAdd", [])
        assert sorted(added) == (["KILL", "SETGID", "SETUID"] if role == "worker" else [])
        assert (spec.user == "0:0") == (role == "worker")


@ROLES
def test_security_options(role: str) -> None:
    """No new privileges, and the engine's own seccomp and AppArmor profiles stay in force."""
    assert options_by_role()[role].host_config["SecurityOpt"] == ["no-new-privileges"]


@ROLES
def test_resources_are_bounded(role: str) -> None:
    """Memory without swap, processes, cores, shared memory, files and cores dumped all have a limit."""
    config = options_by_role()[role].host_config
    assert config["Memory"] == config["MemorySwap"] > 0
    assert config["PidsLimit"] > 0
    assert config["NanoCpus"] == LIMITS.cpus * 1e9
    assert config["ShmSize"] > 0
    ulimits = {one["Name"]: (one["Soft"], one["Hard"]) for one in config["Ulimits"]}
    assert ulimits["core"] == (0, 0)
    assert ulimits["nofile"][1] > 0
    assert "OomKillDisable" not in config


@ROLES
def test_engine_keeps_no_log_and_starts_nothing_again(role: str) -> None:
    """What is printed does not fill the host's disk, and an ended container stays to be looked at."""
    config = options_by_role()[role].host_config
    assert config["LogConfig"] == {"Type": "none"}
    assert config["RestartPolicy"] == {"Name": "no"}
    assert config["AutoRemove"] is False


def test_environment_of_the_host_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of this process changes, or gets into, what the engine is told."""
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
def test_labels(role: str) -> None:
    """Each container carries its role and the labels that were asked for, and these are not changed."""
    labels = dict(LABELS)
    spec = (
        worker_container(image="IMAGE", limits=LIMITS, labels=labels) if role == "worker" else specs()[role]
    )
    assert spec.labels == {**LABELS, LABEL: role}
    assert labels == LABELS


def test_specs_share_nothing() -> None:
    """Changing one answer does not change the next: nothing mutable is kept between calls."""
    for spec, options in zip(specs().values(), options_by_role().values(), strict=True):
        options.host_config.clear()
        for mapping in (spec.environment, spec.labels, options.environment, options.labels):
            mapping.clear()
    assert record() == GOLDEN.read_text()


def worker_config(**limits: Any) -> dict[str, Any]:
    """Return the worker's options for these limits."""
    spec = worker_container(image="IMAGE", limits=Limits(**limits), labels={})
    return docker_options(spec).host_config


def test_each_slot_has_a_scratch_of_its_own() -> None:
    """Runs that go on together have a folder each, which is root's until the slot's group gets it."""
    tmpfs = worker_config(concurrency=3, scratch_bytes=12345, scratch_inodes=67)["Tmpfs"]
    scratch = {place: mode for place, mode in tmpfs.items() if place.startswith("/scratch")}
    assert scratch.keys() == {"/scratch/0", "/scratch/1", "/scratch/2"}
    for slot in range(3):
        assert scratch[f"/scratch/{slot}"].endswith("size=12345,nr_inodes=67,mode=0700")


def test_limits_of_the_challenge_reach_the_engine() -> None:
    """What a run may use is given for each run going on, and what the supervisor needs comes on top once."""
    one = worker_config(concurrency=1, memory_bytes=1 << 30, processes=100)
    three = worker_config(concurrency=3, memory_bytes=1 << 30, processes=100)
    assert three["Memory"] - one["Memory"] == 2 << 30
    assert three["PidsLimit"] - one["PidsLimit"] == 200
    assert one["Memory"] > 1 << 30
    assert one["PidsLimit"] > 100
    assert worker_config(shared_memory_bytes=777)["ShmSize"] == 777
    assert worker_config(cpus=0.5)["NanoCpus"] == 500_000_000


def test_ids_do_not_meet() -> None:
    """No run's uid is a slot's gid, root or nobody, however many slots there are."""
    slots = range(FIRST_SLOT_GID, FIRST_SLOT_GID + 64)
    assert slots.start > 0
    assert slots.stop <= FIRST_UID < LAST_UID < 65_534


if __name__ == "__main__":
    GOLDEN.write_text(record())
