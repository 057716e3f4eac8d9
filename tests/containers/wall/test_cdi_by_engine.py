"""What a CDI specification adds to a real container is found by the container itself, and refused.

The engine is Podman's command line (Docker knows CDI from version 25 on), the specifications are made up
after what NVIDIA's toolkit writes, and the devices are nodes of /dev/null under the names of a GPU's.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from runner.clients.surroundings import Surroundings, problems_of
from runner.engine.api import Engine
from runner.engine.gpus.cdi_rules import KIND
from runner.engine.gpus.cdi_rules import problems_of as problems_of_specification
from runner.engine.placement import GpuRequest, Placement
from runner.image.image import BASE_REPOSITORY
from tests.support.paths import ROOT

SPECIFICATIONS: Final = Path("/run/cdi")
LIBRARY: Final = "/usr/lib/x86_64-linux-gnu/libcuda.so.580.65.06"
NULL: Final = os.makedev(1, 3)
LIMITS: Final = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("podman") is None or os.geteuid() != 0,
        reason="needs Debian's podman, and root for its devices",
    ),
]

Report = Callable[[Mapping[str, Any]], tuple[list[str], list[str]]]


@pytest.fixture(scope="module")
def root_folder(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files of the base image: a Python, and nothing of the project."""
    folder = tmp_path_factory.mktemp("root")
    listed = subprocess.run(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", BASE_REPOSITORY],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    if not listed:
        pytest.skip("the base image was not kept by this engine")
    made = subprocess.run(["docker", "create", listed[0], "true"], check=True, capture_output=True, text=True)
    container = made.stdout.strip()
    try:
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
            subprocess.run(["tar", "-x", "-C", str(folder)], stdin=export.stdout, check=True)
    finally:
        subprocess.run(["docker", "rm", container], check=True, capture_output=True)
    return folder


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Return a folder with the nodes, the library and the socket of a made-up driver."""
    for name in ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia0", "nvidia1", "card0"):
        os.mknod(tmp_path / name, 0o666 | stat.S_IFCHR, NULL)
    (tmp_path / "libcuda.so").write_text("a library")
    (tmp_path / "mps").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    return tmp_path


@pytest.fixture
def report(root_folder: Path, host: Path) -> Iterator[Report]:
    """Return a function that adds edits to a closed specification, and tells what is found.

    It returns the problems of the specification, and those that the container itself reports.
    """
    name = f"GPU-{uuid.uuid4()}"
    file = SPECIFICATIONS / f"{name}.json"

    def run(edits: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        closed: dict[str, list[Any]] = {
            "deviceNodes": [node(host, path) for path in ("nvidiactl", "nvidia-uvm")],
            "mounts": [mount(host / "libcuda.so", LIBRARY, "ro")],
            "env": ["NVIDIA_VISIBLE_DEVICES=void"],
        }
        specification = {
            "cdiVersion": "0.5.0",
            "kind": KIND,
            "devices": [{"name": name, "containerEdits": {"deviceNodes": [node(host, "nvidia0")]}}],
            "containerEdits": {key: [*closed[key], *edits.get(key, [])] for key in closed},
        }
        SPECIFICATIONS.mkdir(exist_ok=True)
        file.write_text(json.dumps(specification))
        program = (ROOT / "sandbox" / "surroundings.py").read_text() + "\nprint(surroundings().decode())\n"
        done = subprocess.run(
            [
                *("podman", "--runtime", "runc", "run", "--rm", "--interactive", "--network", "none"),
                *("--read-only", "--read-only-tmpfs=false", "--no-hosts", "--http-proxy=false", *LIMITS),
                *("--device", f"{KIND}={name}", "--rootfs", str(root_folder), "/usr/bin/python3", "-"),
            ],
            input=program, check=True, capture_output=True, text=True,
        )  # fmt: skip
        found = Surroundings.model_validate_json(done.stdout)
        assert LIBRARY in [path for path, _kind, _read_only in found.mounts], "the engine knows no CDI"
        placement = Placement(gpu=GpuRequest(name=name, by_cdi=True))
        # In the specification the files of the driver are where a driver has them.
        text = json.dumps(specification)
        for path in host.iterdir():
            text = text.replace(f'"{path}"', f'"{LIBRARY if path.name == "libcuda.so" else path}"')
        of_file = problems_of_specification(without_host_nodes(json.loads(text)), name)
        return of_file, list(problems_of(found, placement))

    try:
        yield run
    finally:
        file.unlink(missing_ok=True)


def node(host: Path, name: str, folder: str = "/dev") -> dict[str, str]:
    """Return the entry of a device node."""
    return {"path": f"{folder}/{name}", "hostPath": str(host / name)}


def mount(path: Path, inside: str, *options: str) -> dict[str, Any]:
    """Return the entry of a mount."""
    return {"hostPath": str(path), "containerPath": inside, "options": [*options, "bind"]}


def without_host_nodes(specification: dict[str, Any]) -> dict[str, Any]:
    """Return a specification whose nodes are at their own paths on the host."""
    parts = [specification, *specification["devices"]]
    for part in parts:
        for entry in part["containerEdits"].get("deviceNodes", []):
            entry.pop("hostPath", None)
    return specification


def test_a_gpu_and_its_driver_are_accepted(report: Report) -> None:
    """By the rules for the file, and by those for the container: nodes of the GPU, a library read-only."""
    assert report({}) == ([], [])


@pytest.mark.parametrize(
    "what",
    ["persistenced", "mps", "dri", "uvm-tools", "writable library", "variable", "another GPU"],
)
def test_what_else_it_adds_is_refused(report: Report, host: Path, what: str) -> None:
    """The file is refused beforehand, and the container finds it even if the file was changed since."""
    edits: dict[str, dict[str, list[Any]]] = {
        "persistenced": {"mounts": [mount(host / "socket", "/run/nvidia-persistenced/socket", "ro")]},
        "mps": {"mounts": [mount(host / "mps", "/tmp/nvidia-mps", "rw")]},
        "dri": {"deviceNodes": [node(host, "card0", "/dev/dri")]},
        "uvm-tools": {"deviceNodes": [node(host, "nvidia-uvm-tools")]},
        "writable library": {
            "mounts": [mount(host / "libcuda.so", LIBRARY.replace("cuda", "nvidia-ml"), "rw")]
        },
        "variable": {"env": ["LD_PRELOAD=/usr/lib/other.so"]},
        "another GPU": {"deviceNodes": [node(host, "nvidia1")]},
    }
    of_file, of_container = report(edits[what])
    assert of_container
    assert of_file or what == "another GPU", "a file may name a second GPU; its container may not have it"
