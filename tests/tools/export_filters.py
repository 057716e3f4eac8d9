"""Write the second seccomp filter, and variants that allow one call more, as files for `benchmarks/gpu.py`.

The image builds them, since libseccomp is there::

    .venv/bin/python -m tests.tools.export_filters
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from typing import Final

from benchmarks.gpu_parts.filters import ALL, FOLDER
from runner.checkout import ROOT
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.engine.container_spec import trainer_container
from runner.engine.session import container_session
from runner.image.image import Image, require_image

SUSPECTS: Final = (
    "memfd_create",
    "ptrace",
    "process_vm_readv",
    "kcmp",
    "splice",
    "clone3",
    "madvise",
    "epoll_create1",
)
"""Calls that drivers are said to make, or that come close to such."""
SOURCE: Final = ROOT / "sandbox" / "seccomp.py"
INDEX: Final = FOLDER / "index.json"

_SCRIPT: Final = """
import json, sys
from sandbox import seccomp

def build(allowed):
    refused = {number: tuple(name for name in names if name != allowed) for number, names in tables[0].items()}
    seccomp.REFUSED = refused
    seccomp.REFUSED_VALUES = tuple(rule for rule in tables[1] if rule[0] != allowed)
    seccomp.REFUSED_MINIMUMS = tuple(rule for rule in tables[2] if rule[0] != allowed)
    return seccomp.program().hex()

tables = seccomp.REFUSED, seccomp.REFUSED_VALUES, seccomp.REFUSED_MINIMUMS
print(json.dumps({name: build(name) for name in sys.argv[1:]}), flush=True)
"""


def export(engine: Engine, image: Image, labels: dict[str, str]) -> dict[str, bytes]:
    """Return the programs by name."""
    spec = trainer_container(image=image.tag, cpus=1.0, labels=labels)
    command = ("/opt/venv/bin/python", "-c", _SCRIPT, ALL, *SUSPECTS)
    container = engine.start(replace(spec, command=command))
    try:
        text = b""
        while (data := container.receive(60.0)) is not None:
            assert data, "the container printed nothing for a minute"
            text += data
        assert text, container.stderr
    finally:
        container.remove()
    return {name: bytes.fromhex(value) for name, value in json.loads(text).items()}


def source_hash() -> str:
    """Return the hash of the module that the files were made from."""
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()


def main() -> int:
    """Write the files and their index."""
    engine = connect_engine()
    with container_session(engine) as labels:
        programs = export(engine, require_image(engine), labels)
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.glob("*.bpf"):
        file.unlink()
    for name, program in programs.items():
        (FOLDER / f"{name}.bpf").write_bytes(program)
    hashes = {name: hashlib.sha256(program).hexdigest() for name, program in sorted(programs.items())}
    index = {"machine": "x86_64", "source_sha256": source_hash(), "programs": hashes}
    INDEX.write_text(json.dumps(index, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
