"""An engine that may have no core dumps itself starts containers without them, and everything else is refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import docker
import docker.errors
import psutil
import pytest

from runner.challenge.limits import Limits
from runner.doctor.gather import rootless_core_limit
from runner.engine.container_spec import ULIMITS, ContainerSpec, worker_container
from runner.engine.docker_engine import DockerEngine
from runner.errors import SandboxStartError

RUNC = (
    "OCI runtime create failed: runc create failed: unable to start container process: error during container "
    "init: error setting rlimits for ready process: error setting rlimit type 4: operation not permitted"
)
CRUN = "crun: setrlimit `RLIMIT_CORE`: Operation not permitted: OCI permission denied"
OTHERS = (
    "error setting rlimit type 7: operation not permitted",
    "crun: setrlimit `RLIMIT_NPROC`: Operation not permitted: OCI permission denied",
    "error setting rlimit type 4: invalid argument",
    "error setting rlimit type 40: operation not permitted",
)


class Api:
    """Docker's API of an engine that fails to start a container with more than some bytes of core dumps."""

    api_version = "1.43"

    def __init__(self, message: str, most: int = 0) -> None:
        self._message, self._most = message, most
        self.made: list[dict[str, int]] = []
        """The limits of each container that was asked for."""
        self.removed: list[str] = []
        self._ends: list[socket.socket] = []

    def version(self) -> dict[str, Any]:
        return {"ApiVersion": "1.43", "Version": "25.0", "Components": []}

    def create_container(self, *, host_config: dict[str, Any], **_options: Any) -> dict[str, str]:
        self.made.append({limit["Name"]: limit["Hard"] for limit in host_config["Ulimits"]})
        return {"Id": f"made-{len(self.made)}"}

    def attach_socket(self, _identity: str, **_options: Any) -> socket.socket:
        stream, other = socket.socketpair()
        self._ends += [stream, other]
        return stream

    def start(self, _identity: str) -> None:
        if self.made[-1]["core"] > self._most:
            raise docker.errors.APIError(self._message)

    def inspect_container(self, _identity: str) -> dict[str, Any]:
        raise docker.errors.NotFound("not on this machine")

    def remove_container(self, identity: str, **_options: Any) -> None:
        self.removed.append(identity)

    def close(self) -> None:
        for end in self._ends:
            end.close()


@pytest.fixture
def spec() -> ContainerSpec:
    return worker_container(image="IMAGE", limits=Limits(), labels={})


def started(api: Api, spec: ContainerSpec, times: int = 1) -> None:
    engine = DockerEngine(lambda _seconds: cast("docker.APIClient", api))
    try:
        for _ in range(times):
            engine.start(spec)
    finally:
        api.close()


@pytest.mark.parametrize("message", [RUNC, CRUN])
def test_an_engine_without_core_dumps_gets_a_limit_of_0(message: str, spec: ContainerSpec) -> None:
    """What was made with the limit of 1 is removed, all other limits stay, and it is tried only once."""
    api = Api(message)
    started(api, spec, times=3)
    assert [limits["core"] for limits in api.made] == [1, 0, 0, 0]
    assert {**api.made[-1], "core": 1} == api.made[0] == dict(ULIMITS)
    assert api.removed == ["made-1"]


def test_an_engine_with_core_dumps_gets_the_limit_of_1(spec: ContainerSpec) -> None:
    """At which the kernel starts no program for a crash."""
    api = Api(RUNC, most=1)
    started(api, spec, times=2)
    assert [limits["core"] for limits in api.made] == [1, 1]


@pytest.mark.parametrize("message", OTHERS)
def test_another_refusal_loosens_nothing(message: str, spec: ContainerSpec) -> None:
    """It is reported as it is, after one attempt."""
    api = Api(message)
    with pytest.raises(SandboxStartError, match="could not be started"):
        started(api, spec)
    assert [limits["core"] for limits in api.made] == [1]
    assert api.removed == ["made-1"]


def test_an_engine_that_refuses_0_too_is_asked_twice(spec: ContainerSpec) -> None:
    """And no more."""
    api = Api(RUNC, most=-1)
    with pytest.raises(SandboxStartError, match="rlimit type 4"):
        started(api, spec)
    assert [limits["core"] for limits in api.made] == [1, 0]


LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max stack size            8388608              unlimited            bytes
Max core file size        0                    {hard:20s} bytes
Max resident set          unlimited            unlimited            bytes
"""


@pytest.mark.parametrize(
    ("options", "limits", "lowest"),
    [
        (["name=rootless"], {"dockerd": "unlimited"}, "unlimited"),
        (["name=rootless"], {"dockerd": "0"}, "0"),
        (["name=rootless"], {"dockerd": "unlimited", "podman": "0"}, "0"),
        (["name=rootless"], {"another": "0"}, ""),
        (["name=rootless"], {}, ""),
        (["name=seccomp,profile=builtin"], {"dockerd": "0"}, ""),
        (None, {"dockerd": "0"}, ""),
    ],
)
def test_doctor_reads_the_limit_of_an_engine_without_root(
    options: list[str] | None, limits: dict[str, str], lowest: str, tmp_path: Path
) -> None:
    """From the kernel's list of its process's limits; an engine of root may set any."""

    def processes() -> Iterator[psutil.Process]:
        for number, (name, hard) in enumerate(limits.items(), 100):
            (tmp_path / str(number)).mkdir()
            (tmp_path / str(number) / "limits").write_text(LIMITS.format(hard=hard))
            info = {"name": name, "uids": SimpleNamespace(real=1000)}
            yield cast("psutil.Process", SimpleNamespace(pid=number, info=info))

    assert rootless_core_limit({"SecurityOptions": options}, processes(), tmp_path) == lowest
