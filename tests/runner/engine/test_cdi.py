"""A CDI specification that adds more to a container than a GPU is refused, with a sentence that says what.

The specifications are made up after the format's documentation and what NVIDIA's toolkit is said to write.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from runner.engine.gpus.cdi_files import require_closed_cdi
from runner.engine.gpus.cdi_rules import names_of, problems_of
from runner.engine.placement import GpuRequest
from runner.errors import HostNotReadyError

UUID = "GPU-11111111"
LIBRARY_PATH = "/usr/lib/x86_64-linux-gnu/libcuda.so.580.65.06"
LIBRARY = {
    "hostPath": LIBRARY_PATH,
    "containerPath": LIBRARY_PATH,
    "options": ["ro", "nosuid", "nodev", "rbind", "rprivate"],
}
CLOSED: dict[str, Any] = {
    "cdiVersion": "0.5.0",
    "kind": "nvidia.com/gpu",
    "devices": [
        {"name": UUID, "containerEdits": {"deviceNodes": [{"path": "/dev/nvidia0"}]}},
        {"name": "GPU-22222222", "containerEdits": {"deviceNodes": [{"path": "/dev/nvidia1"}]}},
    ],
    "containerEdits": {
        "env": ["NVIDIA_VISIBLE_DEVICES=void"],
        "deviceNodes": [{"path": "/dev/nvidiactl"}, {"path": "/dev/nvidia-uvm"}],
        "mounts": [
            LIBRARY,
            {**LIBRARY, "hostPath": "/usr/bin/nvidia-smi", "containerPath": "/usr/bin/nvidia-smi"},
            {
                **LIBRARY,
                "hostPath": "/lib/firmware/nvidia/580.65.06/gsp_ga10x.bin",
                "containerPath": "/lib/firmware/nvidia/580.65.06/gsp_ga10x.bin",
            },
        ],
        "hooks": [
            {
                "hookName": "createContainer",
                "path": "/usr/bin/nvidia-cdi-hook",
                "args": ["nvidia-cdi-hook", "update-ldcache", "--folder", "/usr/lib/x86_64-linux-gnu"],
            },
            {
                "hookName": "createContainer",
                "path": "/usr/bin/nvidia-ctk",
                "args": [
                    "nvidia-ctk",
                    "hook",
                    "create-symlinks",
                    "--link",
                    "libcuda.so.1::/usr/lib/libcuda.so",
                ],
            },
        ],
    },
}
Change = Callable[[dict[str, Any]], None]


def common(kind: str, item: Any) -> Change:
    """Return a change that adds something to what every device gets."""
    return lambda specification: specification["containerEdits"][kind].append(item)


def mount(path: str, *, inside: str = "", options: tuple[str, ...] = ("ro", "rbind")) -> Change:
    """Return a change that adds a mount."""
    entry = {"hostPath": path, "containerPath": inside or path, "options": list(options)}
    return common("mounts", entry)


OPENED: dict[str, tuple[Change, str]] = {
    "persistenced": (mount("/run/nvidia-persistenced/socket"), "/run/nvidia-persistenced/socket"),
    "fabricmanager": (mount("/run/nvidia-fabricmanager/socket"), "fabricmanager"),
    "mps": (mount("/tmp/nvidia-mps", options=("rw", "rbind")), "/tmp/nvidia-mps"),
    "a library to write to": (mount(LIBRARY_PATH, options=("rbind",)), "written to"),
    "a library to write to after all": (mount(LIBRARY_PATH, options=("ro", "rw")), "written to"),
    "a file in a library's place": (mount("/etc/shadow", inside=LIBRARY_PATH), "/etc/shadow"),
    "a library in another place": (
        mount(LIBRARY_PATH, inside="/opt/venv/x.so"),
        "no file of the driver",
    ),
    "a way out of the folder": (mount("/usr/lib/../../etc/libcuda.so.1"), "no file of the driver"),
    "a folder": (mount("/usr/lib"), "no file of the driver"),
    "a mount without a path": (common("mounts", {"hostPath": "/usr/lib/libcuda.so.1"}), "without paths"),
    "a mount that is a text": (common("mounts", "/etc"), "without paths"),
    "render node": (common("deviceNodes", {"path": "/dev/dri/renderD128"}), "/dev/dri/renderD128"),
    "modeset": (common("deviceNodes", {"path": "/dev/nvidia-modeset"}), "nvidia-modeset"),
    "uvm tools": (common("deviceNodes", {"path": "/dev/nvidia-uvm-tools"}), "nvidia-uvm-tools"),
    "a disk under a GPU's name": (
        common("deviceNodes", {"path": "/dev/nvidia3", "hostPath": "/dev/vda"}),
        "/dev/vda",
    ),
    "a node without a path": (common("deviceNodes", {}), "the device None"),
    "an unknown hook": (
        common("hooks", {"path": "/usr/bin/nvidia-ctk", "args": ["nvidia-ctk", "hook", "chmod"]}),
        "the hook 'chmod'",
    ),
    "a hook of another program": (
        common("hooks", {"path": "/tmp/run", "args": ["run", "update-ldcache"]}),
        "of 'run'",
    ),
    "a hook without arguments": (common("hooks", {"path": "/usr/bin/nvidia-ctk"}), "without a name"),
    "a variable of the loader": (common("env", "LD_PRELOAD=/x.so"), "'LD_PRELOAD'"),
    "an unknown kind of edit": (
        lambda specification: specification["containerEdits"].update(
            netDevices=[{"hostInterfaceName": "eth0"}]
        ),
        "netDevices",
    ),
    "edits that are a list": (lambda specification: specification.update(containerEdits=[1]), "not a table"),
    "of this device alone": (
        lambda specification: specification["devices"][0]["containerEdits"]["deviceNodes"].append(
            {"path": "/dev/dri/card0"}
        ),
        "/dev/dri/card0",
    ),
}


def opened(change: Change) -> dict[str, Any]:
    specification = copy.deepcopy(CLOSED)
    change(specification)
    return specification


def request(name: str = UUID, *, by_cdi: bool = True) -> GpuRequest:
    return GpuRequest(name=name, by_cdi=by_cdi)


def write(folder: Path, specification: Any, name: str = "nvidia.yaml") -> None:
    with (folder / name).open("w") as file:
        if name.endswith(".json"):
            json.dump(specification, file)
        else:
            YAML(typ="safe", pure=True).dump(specification, file)


def test_devices_and_driver_files_are_accepted(tmp_path: Path) -> None:
    """As YAML and as JSON; for one device and for all."""
    assert problems_of(CLOSED, UUID) == problems_of(CLOSED, "all") == []
    assert names_of(CLOSED) == [UUID, "GPU-22222222"]
    write(tmp_path, CLOSED)
    require_closed_cdi(request(), [tmp_path])
    require_closed_cdi(request("all"), [tmp_path / "missing", tmp_path])
    (tmp_path / "nvidia.yaml").unlink()
    write(tmp_path, CLOSED, "nvidia.json")
    require_closed_cdi(request(), [tmp_path])


@pytest.mark.parametrize("name", OPENED)
def test_anything_else_is_refused_by_name(tmp_path: Path, name: str) -> None:
    """In one sentence that names it and says what to do."""
    change, words = OPENED[name]
    write(tmp_path, opened(change))
    with pytest.raises(HostNotReadyError, match="is refused: the container would get") as refusal:
        require_closed_cdi(request(), [tmp_path])
    assert words in str(refusal.value)
    assert "nvidia-ctk cdi generate" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_another_device_is_not_this_ones_matter(tmp_path: Path) -> None:
    """What only another device adds is not added to a container with this one."""
    change, _words = OPENED["of this device alone"]
    write(tmp_path, opened(change))
    require_closed_cdi(request("GPU-22222222"), [tmp_path])
    with pytest.raises(HostNotReadyError):
        require_closed_cdi(request("all"), [tmp_path])


def test_a_device_that_nobody_describes_is_refused(tmp_path: Path) -> None:
    """An engine that is configured to look elsewhere would add what nobody has seen."""
    write(tmp_path, {**CLOSED, "kind": "other.com/gpu"})
    for name in (UUID, "all"):
        with pytest.raises(HostNotReadyError, match="what it adds to a container is not known"):
            require_closed_cdi(request(name), [tmp_path])


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[unclosed", b"a: b: c", b"- a list", b"", b"!!python/name:os.system"]
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Also a tag that asks for code."""
    (tmp_path / "nvidia.yaml").write_bytes(content)
    with pytest.raises(HostNotReadyError, match="The CDI specification"):
        require_closed_cdi(request(), [tmp_path])


def test_a_huge_file_and_an_unreadable_folder_are_refused(tmp_path: Path) -> None:
    """Neither is read to its end, nor passed over."""
    with (tmp_path / "nvidia.json").open("wb") as file:
        os.truncate(file.fileno(), 5 << 20)
    with pytest.raises(HostNotReadyError, match="longer than 4 MiB"):
        require_closed_cdi(request(), [tmp_path])
    with pytest.raises(HostNotReadyError, match="cannot be read"):
        require_closed_cdi(request(), [tmp_path / "nvidia.json"])


def test_without_cdi_nothing_is_read(tmp_path: Path) -> None:
    """On the CPU, and by NVIDIA's own runtime, which reads no specification."""
    (tmp_path / "nvidia.yaml").write_bytes(b"[unclosed")
    require_closed_cdi(None, [tmp_path])
    require_closed_cdi(request(by_cdi=False), [tmp_path])
