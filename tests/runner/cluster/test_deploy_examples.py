"""The examples for Slurm and Kubernetes start Ray as docs/cluster.md demands.

Slurm, Ray and the command are stand-ins that write down how they were called; neither a Slurm nor a Kubernetes
was there to try them on.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.paths import ROOT

SLURM = ROOT / "deploy" / "unlearn-slurm.sh"
STAND_INS = {
    "hostname": 'case "$*" in -I) echo "$ADDRESSES" ;; -s) echo host ;; "") echo host.cluster.example ;; *) exit 1 ;; esac',
    "getent": '[ "$1" = ahostsv4 ] || exit 1\n[ -n "$RESOLVED" ] || exit 2\n'
    'for each in $RESOLVED; do echo "$each STREAM $2"; echo "$each DGRAM"; done',
    "ray": 'echo "ray $* token=${#RAY_AUTH_TOKEN} mode=$RAY_AUTH_MODE niceness=$RAY_worker_niceness" >> "$CALLS"'
    "\nexec sleep 60",
    "srun": 'echo "srun $*" >> "$CALLS"\nexec sleep 60',
    "unlearn": 'echo "unlearn $*" >> "$CALLS"\n[ "$1" != run ] || exec sh -c "$COMMAND"',
}
Environment = dict[str, str]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Return an environment with stand-ins, in which `CALLS` is the file with their calls."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in STAND_INS.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "CALLS": str(tmp_path / "calls"),
        "SLURM_JOB_NUM_NODES": "5",
        "SLURMD_NODENAME": "first",
        "RESOLVED": "10.0.0.1",
        "ADDRESSES": "10.0.0.1 fe80::1",
        "SLURM_JOB_ID": f"test-{os.getpid()}",
        "COMMAND": "exit 0",
    }


def calls(environment: Environment) -> str:
    file = Path(environment["CALLS"])
    return file.read_text() if file.exists() else ""


def test_a_job_of_slurm_is_a_cluster(environment: Environment) -> None:
    """A head that executes nothing, a node on each other machine, a token; then the command, as it was given."""
    words = ("run", "a b.zip", "-n", "512")
    ended = subprocess.run([SLURM, *words], env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    called = calls(environment)
    assert re.search(
        r"^ray start --head --block --node-ip-address=10\.0\.0\.1 --port=6379 --num-cpus=0 "
        r"--include-dashboard=false .*token=64 mode=token niceness=0$",
        called,
        re.MULTILINE,
    )
    assert "srun --nodes=4 --ntasks-per-node=1 --exclude=first" in called
    assert "ray start --block --address=" in called
    assert "unlearn run a b.zip -n 512 --cluster 10.0.0.1:6379" in called.splitlines()


@pytest.mark.parametrize(
    ("resolved", "addresses", "used"),
    [
        ("127.0.1.1", "10.0.0.7 172.17.0.1", "10.0.0.7"),  # as on Debian
        ("127.0.1.1 10.0.0.8", "10.0.0.7", "10.0.0.8"),
        ("", "fe80::1 10.0.0.9", "10.0.0.9"),  # a name that nothing resolves
        ("10.1.2.3", "", "10.1.2.3"),
    ],
)
def test_the_head_is_where_other_nodes_reach_it(
    environment: Environment, resolved: str, addresses: str, used: str
) -> None:
    """Whatever the machine's own name stands for there."""
    changed = environment | {"RESOLVED": resolved, "ADDRESSES": addresses}
    ended = subprocess.run([SLURM, "run"], env=changed, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"--node-ip-address={used} " in calls(environment)
    assert f"unlearn run --cluster {used}:6379" in calls(environment).splitlines()


@pytest.mark.parametrize(("resolved", "addresses"), [("127.0.1.1", "127.0.0.1 ::1"), ("", "")])
def test_a_head_that_nobody_reaches_is_not_started(
    environment: Environment, resolved: str, addresses: str
) -> None:
    """With a sentence, before anything else."""
    changed = environment | {"RESOLVED": resolved, "ADDRESSES": addresses}
    ended = subprocess.run([SLURM, "run"], env=changed, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "first has no IPv4 address" in ended.stderr
    assert calls(environment) == ""


def test_the_head_is_left_out_by_its_name_in_slurm(environment: Environment) -> None:
    """Slurm does not know the name with a domain that ``hostname`` prints on some machines."""
    del environment["SLURMD_NODENAME"]
    subprocess.run([SLURM, "run"], env=environment, capture_output=True, check=True)
    assert "--exclude=host " in calls(environment)


def test_the_job_ends_as_the_command_does(environment: Environment) -> None:
    """With its exit code, and leaves no process."""
    changed = environment | {"COMMAND": "exit 4"}
    process = subprocess.Popen([SLURM, "run"], env=changed, start_new_session=True)
    assert process.wait(30) == 4
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_the_end_of_the_jobs_time_ends_the_command_first(environment: Environment) -> None:
    """It gets the signal of Slurm and the time to remove its containers; Ray is ended after it."""
    text = (
        'trap \'sleep 0.5; echo removed >> "$CALLS"; exit 130\' TERM; echo begun >> "$CALLS"; sleep 60 & wait'
    )
    process = subprocess.Popen([SLURM, "run"], env=environment | {"COMMAND": text}, start_new_session=True)
    deadline = time.monotonic() + 30
    while "begun" not in calls(environment):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(30) == 130
    assert calls(environment).splitlines()[-1] == "removed"


def test_a_single_machine_is_refused(environment: Environment) -> None:
    """Nothing is started: the head executes nothing."""
    changed = environment | {"SLURM_JOB_NUM_NODES": "1"}
    ended = subprocess.run([SLURM, "run"], env=changed, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "two nodes" in ended.stderr
    assert calls(environment) == ""


def test_pods_of_kubernetes_start_ray_as_it_is_demanded() -> None:
    """A head that executes nothing, no dashboard, a token, no niceness; each pod has an engine and reaches it."""
    spec: dict[str, Any] = YAML(typ="safe").load(ROOT / "deploy" / "unlearn-kuberay.yaml")["spec"]
    assert spec["authOptions"] == {"mode": "token"}
    assert spec["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0", "include-dashboard": "false"}
    assert f"ray=={spec['rayVersion']} " in (ROOT / "requirements" / "cluster.txt").read_text()
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    images = set()
    for group in groups:
        pod = group["template"]["spec"]
        ray, engine = pod["containers"]
        images.add(ray["image"])
        environment = {each["name"]: each["value"] for each in ray["env"]}
        assert environment["RAY_worker_niceness"] == "0"
        prepare = ray["lifecycle"]["postStart"]["exec"]["command"]  # the head's engine is used too
        assert "unlearn image pull" in prepare[-1]
        socket = environment["DOCKER_HOST"]
        assert f"--host={socket}" in engine["args"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in (ray, engine):
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            assert mounts.keys() <= volumes
            assert socket.removeprefix("unix://").startswith(f"{mounts['engine']}/")
    assert len(images) == 1
