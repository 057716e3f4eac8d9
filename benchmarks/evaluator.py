"""Measure checkpoints evaluated per second, against a plain loop and the limit of the arithmetic.

The networks of the digits challenge and a ResNet-18 are evaluated inside the evaluator's container, with
random weights and images, on whose values the time does not depend. Processor seconds are shown beside
wall seconds because they are valid on a busy machine as well. A second part measures the stream: the same
checkpoint is sent again after its answer, or sent ahead while the previous one is evaluated.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.errors import errors_as_sentences
from runner.challenge.probes import ProbeChoice, choose_probes
from runner.clients.channel import Channel
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.engine.container_spec import evaluator_container
from runner.engine.placement import ALL_GPUS, CPU, Placement, resolve_placement
from runner.engine.session import container_session
from runner.image.image import require_image
from sandbox.protocol.jobs import EvaluatorJob
from sandbox.protocol.messages import from_evaluator, from_trainer
from sandbox.protocol.splits import SPLITS

SCRIPT = (Path(__file__).parent / "plain_evaluator.py").read_text()
NETWORKS = {"digits": (1797, (1, 8, 8)), "resnet18": (2000, (3, 32, 32))}
_SILENCE_SECONDS = 900.0


class Bench:
    """Resources that the measurements share."""

    def __init__(self, engine: Engine, labels: dict[str, str], placement: Placement) -> None:
        """Prepare the container's specification; start no container."""
        self.engine, self.placement = engine, placement
        cpus = float(engine.info().cores)
        tag = require_image(engine).tag
        self.spec = evaluator_container(image=tag, cpus=cpus, labels=labels, placement=placement)

    def measure(self, request: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return the script's measurements, and the checkpoint and the data that it used."""
        files: dict[str, bytes] = {}
        facts: dict[str, Any] = {}
        environment = {n: v for n, v in self.spec.environment.items() if n != "OMP_NUM_THREADS"}
        command = ("/opt/venv/bin/python", "-c", SCRIPT)
        container = self.engine.start(replace(self.spec, command=command, environment=environment))
        try:
            channel = Channel(container, from_trainer())
            channel.send("job", json.dumps(request).encode())
            while (frame := channel.await_frame(_SILENCE_SECONDS)).kind != "done":
                if frame.kind == "facts":
                    facts = json.loads(frame.payload)
                elif frame.kind == "file":
                    files[frame.text("name")] = frame.payload
        finally:
            container.remove()
        return facts, files

    def streamed(self, architecture: str, files: dict[str, bytes], *, ahead: int, checkpoints: int) -> float:
        """Return seconds per checkpoint, start-up excluded, with ``ahead`` checkpoints sent in advance."""
        container = self.engine.start(self.spec)
        try:
            channel = Channel(container, from_evaluator(outputs_bytes=1 << 30))
            device = self.placement.torch_device
            channel.send("job", EvaluatorJob(architecture=architecture, classes=10, device=device).to_json())
            for name in SPLITS:
                channel.send("data", files[name], name=name)
            channel.await_ready()
            started_at, sent = time.monotonic(), 0
            for answered in range(checkpoints + 1):  # the first checkpoint is not counted
                while sent <= min(answered + ahead, checkpoints):
                    channel.send("checkpoint", files["checkpoint"], index=sent)
                    sent += 1
                assert channel.await_frame(_SILENCE_SECONDS).kind == "outputs"
                started_at = started_at if answered else time.monotonic()
            return (time.monotonic() - started_at) / checkpoints
        finally:
            container.remove()


def probe_fields(choice: ProbeChoice) -> dict[str, Any] | None:
    """Return the probes of a challenge as a job names them."""
    settings = choose_probes(choice, 0)
    return settings.job_fields() if settings is not None else None


def table_of(name: str, facts: dict[str, Any]) -> Table:
    """Return a table of one network's measurements."""
    by_clock, by_processor = facts["flops_per_second"]
    flops = facts["checkpoint_flops"]
    table = Table(
        title=f"{name}: {facts['examples']} examples, {flops / 1e9:.1f} GFLOP a checkpoint; a matrix product "
        f"does {by_clock / 1e9:.0f} GFLOP/s by the clock, {by_processor / 1e9:.0f} by one core's own"
    )
    for column in ("", "checkpoints/s", "examples/s", "ratio", "share of the limit", "by the processor"):
        table.add_column(column, justify="right" if column else "left")
    for way, (clock, processor) in facts["seconds"].items():
        table.add_row(
            way,
            f"{1 / clock:.2f}",
            f"{facts['examples'] / clock:.0f}",
            f"{facts['seconds']['plain'][0] / clock:.2f}",
            f"{flops / clock / by_clock:.2f}",
            f"{1 / processor:.2f}/s, {flops / processor / by_processor:.2f}",
        )
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or cuda:UUID")
    parser.add_argument("--checkpoints", type=int, default=5, help="for each method; 0 skips this part")
    parser.add_argument("--streamed", type=int, default=5, help="through the stream; 0 skips this part")
    parser.add_argument("--network", choices=list(NETWORKS), action="append", help="default: all")
    options = parser.parse_args()
    engine, console = connect_engine(), Console(width=130)
    device = ALL_GPUS if options.device == "cuda" else options.device
    placement = resolve_placement(runtime="", device=device, required_device=CPU, info=engine.info())
    with container_session(engine) as labels:
        bench = Bench(engine, labels, placement)
        for name in options.network or NETWORKS:
            examples, shape = NETWORKS[name]
            facts, files = bench.measure(
                {
                    "architecture": name,
                    "examples": examples,
                    "shape": shape,
                    "checkpoints": options.checkpoints,
                    "device": placement.torch_device,
                    "cores": engine.info().cores,
                    "probes": probe_fields("cheap"),
                    "relearning": probe_fields("relearning"),
                }
            )
            if facts:
                console.print(table_of(name, facts))
                sizes = ", ".join(
                    f"{size / 1e3:.1f} kB ({way})" for way, size in facts["output_bytes"].items()
                )
                console.print(f"{name}, outputs of a checkpoint: {sizes}")
            if not options.streamed:
                continue
            waiting, ahead = (
                bench.streamed(name, files, ahead=ahead, checkpoints=options.streamed) for ahead in (0, 1)
            )
            console.print(
                f"{name}, through the stream ({len(files['checkpoint']) / 1e6:.1f} MB): {waiting:.3f} s a "
                f"checkpoint if each waits for the previous outputs, {ahead:.3f} s if it is sent ahead\n"
            )


if __name__ == "__main__":
    with errors_as_sentences():
        main()
