"""A control group around containers, as administrators and other containers set limits to."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import docker
import pytest

from runner.engine.docker_connection import connect
from runner.engine.docker_engine import DockerEngine

_GROUPS: Final = Path("/sys/fs/cgroup")


class OuterGroup:
    """A control group that was made for a test; `engine` starts containers below it."""

    def __init__(self, folder: Path, *, is_version_1: bool) -> None:
        self.folder, self._is_version_1 = folder, is_version_1
        parent = f"/{folder.name}"

        class Client(docker.APIClient):
            def create_container(self, *arguments: Any, **options: Any) -> Any:
                options["host_config"]["CgroupParent"] = parent
                return super().create_container(*arguments, **options)

        def connect_below(seconds: int) -> docker.APIClient:
            client = connect(seconds)
            client.__class__ = Client
            return client

        self.engine = DockerEngine(connect_below)

    def limit_memory(self, count: int) -> None:
        """Limit the bytes of all containers in it together."""
        file = "memory.limit_in_bytes" if self._is_version_1 else "memory.max"
        (self.folder / file).write_text(str(count))

    def limit_processes(self, count: int) -> None:
        """Limit the processes of all containers in it together."""
        (self.folder / "pids.max").write_text(str(count))


@contextmanager
def outer_group(controller: str) -> Iterator[OuterGroup]:
    """Make a group whose ``controller`` can be limited, or skip the test; it is removed at the end."""
    version_1 = _GROUPS / controller
    is_version_1 = (version_1 / "cgroup.procs").exists()
    folder = (version_1 if is_version_1 else _GROUPS) / f"unlearn-test-{uuid.uuid4().hex[:8]}"
    if os.getuid() != 0 or not folder.parent.is_dir():
        pytest.skip("only root can make control groups")
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        yield OuterGroup(folder, is_version_1=is_version_1)
    finally:
        for group in (folder, *_GROUPS.glob(f"*/{folder.name}")):  # the engine makes one for each controller
            with contextlib.suppress(OSError):
                group.rmdir()
