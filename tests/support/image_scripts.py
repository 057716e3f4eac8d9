"""Runs Python scripts in the image: all of them in one container, each in a process forked for it.

Starting a container and importing torch takes seconds. The container is started once, imports torch once, and
forks for every script, so that scripts share neither variables nor threads, and patch what they like.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import Any, Final

from runner.engine.api import Container, Engine
from runner.engine.container_spec import trainer_container

PATIENCE_SECONDS: Final = 800.0

SERVER: Final = """
import json, os, struct, sys, traceback, types
import torch

def execute(script, out, err):
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    code = 0
    try:
        main = sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(script, "<script>", "exec"), main.__dict__)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

def text(descriptor):
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "rb") as file:
        return file.read().decode(errors="replace")

while head := sys.stdin.buffer.read(4):
    script = sys.stdin.buffer.read(struct.unpack("<L", head)[0]).decode()
    out, err = os.memfd_create("out"), os.memfd_create("err")
    child = os.fork()
    if child == 0:
        execute(script, out, err)
    _, status = os.waitpid(child, 0)
    answer = {"code": os.waitstatus_to_exitcode(status), "out": text(out), "err": text(err)}
    data = json.dumps(answer).encode()
    sys.stdout.buffer.write(struct.pack("<L", len(data)) + data)
    sys.stdout.buffer.flush()
"""


class ImageScripts:
    """A container that runs scripts one after another; started for the first one."""

    def __init__(self, engine: Engine, tag: str, labels: dict[str, str]) -> None:
        """Prepare; nothing is started yet."""
        self._engine, self._tag, self._labels = engine, tag, labels
        self._container: Container | None = None

    def run(self, script: str) -> str:
        """Run a script in a process of its own and return its stdout; require the exit code 0."""
        if self._container is None:
            self._container = start_python(self._engine, self._tag, self._labels, SERVER)
        data = script.encode()
        try:
            self._container.send(struct.pack("<L", len(data)) + data)
            answer = self._answer(self._container)
        except BaseException:
            self.close()  # whatever comes next would be out of step
            raise
        assert answer["code"] == 0, answer["err"]
        return str(answer["out"])

    def close(self) -> None:
        """Remove the container."""
        container, self._container = self._container, None
        if container is not None:
            container.remove()

    @staticmethod
    def _answer(container: Container) -> dict[str, Any]:
        received = b""
        while len(received) < 4 or len(received) < 4 + struct.unpack("<L", received[:4])[0]:
            data = container.receive(PATIENCE_SECONDS)
            assert data is not None, f"the container ended: {container.stderr.decode(errors='replace')}"
            assert data, "the script took too long"
            received += data
        answer: dict[str, Any] = json.loads(received[4:])
        return answer


def run_alone(engine: Engine, tag: str, labels: dict[str, str], script: str) -> str:
    """Run a script in a container of its own, of any image, and return its stdout."""
    container = start_python(engine, tag, labels, script)
    try:
        text = b""
        while (data := container.receive(PATIENCE_SECONDS)) is not None:
            assert data, "the script printed nothing for too long"
            text += data
        ending = container.ending()
        assert ending is not None
        assert ending.exit_code == 0, container.stderr.decode()
        return text.decode()
    finally:
        container.remove()


def start_python(engine: Engine, tag: str, labels: dict[str, str], program: str) -> Container:
    """Start a container of the trainer's kind that runs a Python program."""
    spec = trainer_container(image=tag, cpus=2.0, labels=labels)
    return engine.start(replace(spec, command=("/opt/venv/bin/python", "-c", program)))
