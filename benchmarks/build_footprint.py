"""Measure how memory and disk of `challenge build` depend on the number of references.

ResNet-18 references are trained on a few small random images for two epochs, with a snapshot between them.
Their quality does not matter here. Each build has a process of its own. Measured are the highest memory of
the trainer's control group (page cache included) and the highest resident memory of this process, both by
the kernel, and by sampling the bytes below the challenge's folder.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from runner.builder.build import build_challenge
from runner.builder.data_files import gather_data
from runner.builder.plan import BuildPlan
from runner.challenge.description import Source
from runner.challenge.layout import REFERENCES_FILE
from runner.challenge.limits import Limits
from runner.engine.container_spec import ContainerSpec
from runner.engine.docker_container import DockerContainer
from runner.engine.docker_engine import DockerEngine
from runner.engine.session import container_session
from runner.image.image import require_image
from runner.progress import NullReporter
from runner.units import MIB

CLASSES = 10
_PEAKS = (
    "memory/docker/{0}/memory.max_usage_in_bytes",
    "memory/system.slice/docker-{0}.scope/memory.max_usage_in_bytes",
    "system.slice/docker-{0}.scope/memory.peak",
    "docker/{0}/memory.peak",
)
"""Files with a container's peak memory: control groups 1 and 2, by cgroupfs and by systemd."""


class WatchedEngine(DockerEngine):
    """An engine that records the peak memory of its containers."""

    peak_bytes = 0

    def start(self, spec: ContainerSpec) -> DockerContainer:
        """Start a container and watch it until it has ended."""
        container = super().start(spec)
        candidates = [Path("/sys/fs/cgroup", pattern.format(container.identity)) for pattern in _PEAKS]
        files = [file for file in candidates if file.is_file()]
        assert files, f"none of these files exists: {candidates}"
        threading.Thread(target=self._watch, args=(files[0],), daemon=True).start()
        return container

    def _watch(self, file: Path) -> None:
        wait = threading.Event().wait
        while True:
            try:
                self.peak_bytes = max(self.peak_bytes, int(file.read_text()))
            except (OSError, ValueError):
                return
            wait(0.05)


def images(examples: int) -> bytes:
    """Return a file for the recipe ``arrays``: images whose brightness depends on the class."""
    state, packed = np.random.RandomState(0), io.BytesIO()
    labels = np.arange(examples) % CLASSES
    noise = state.randint(0, 60, size=(examples, 3, 32, 32))
    np.savez(packed, image=(noise + 20 * labels[:, None, None, None]).astype(np.uint8), label=labels)
    return packed.getvalue()


def bytes_below(folder: Path) -> int:
    """Return the bytes of all files below a folder; files may come and go meanwhile."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except FileNotFoundError:
            continue
    return total


def measure_build(references: int, examples: int) -> dict[str, Any]:
    """Build a challenge; return its memory, disk and sizes."""
    with tempfile.TemporaryDirectory() as parent:
        folder, file = Path(parent, "challenge"), Path(parent, "own.npz")
        file.write_bytes(images(examples))
        data = gather_data(file, "arrays")
        plan = BuildPlan(
            recipe="arrays",
            name="footprint",
            seed=0,
            forget_fraction=0.1,
            references=references,
            item_format="tuple",
            limits=Limits(wall_seconds=60.0),
            source=Source(data_sha256=data.sha256, architecture="resnet18", epochs=2),
        )
        engine, done, highest = WatchedEngine(), threading.Event(), [0]

        def sample() -> None:
            while not done.wait(0.02):
                highest[0] = max(highest[0], bytes_below(folder))

        sampler = threading.Thread(target=sample)
        sampler.start()
        try:
            with container_session(engine) as labels:
                built = build_challenge(
                    engine=engine,
                    image=require_image(engine),
                    plan=plan,
                    folder=folder,
                    labels=labels,
                    reporter=NullReporter(),
                    data=data,
                    snapshot_seconds=0,
                )
        finally:
            done.set()
            sampler.join()
        status = Path("/proc/self/status").read_text()
        return {
            "trainer_bytes": engine.peak_bytes,
            "host_bytes": int(status.partition("VmHWM:")[2].split()[0]) * 1024,
            "disk_bytes": bytes_below(folder),
            "highest_disk_bytes": highest[0],
            "references_bytes": (folder / REFERENCES_FILE).stat().st_size,
            "forget": len(built.forget_labels),
            "test": sum(built.description.class_counts["test"]),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--references", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--one", action="store_true", help="build once in this process and print JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure_build(options.references[0], options.examples)))
        return
    table = Table(title=f"resnet18, {options.examples} images of 3x32x32, two epochs; MiB")
    columns = ("references", "trainer", "host", "disk, highest", "disk, at the end", "references.npz")
    for column in columns:
        table.add_column(column, justify="right")
    for references in options.references:
        command = [sys.executable, __file__, "--one", "--references", str(references)]
        done = subprocess.run(
            [*command, "--examples", str(options.examples)], check=True, capture_output=True, text=True
        )
        facts = json.loads(done.stdout)
        each = 4 * facts["forget"] * CLASSES + 4 * facts["test"] + 8 * 4 * CLASSES
        megabytes = [
            facts[name] / MIB
            for name in (
                "trainer_bytes",
                "host_bytes",
                "highest_disk_bytes",
                "disk_bytes",
                "references_bytes",
            )
        ]
        table.add_row(str(references), *(f"{value:.2f}" for value in megabytes))
        print(f"{references} references of {each} bytes: {facts}", flush=True)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
