"""How many checkpoints a second, against a plain loop, and which share of what arithmetic allows?

Inside the evaluator's container, with random weights and images (what they are does not matter to the
time): the digits challenge's network and a ResNet-18. Seconds of the processor are told beside those of the
clock, because they hold on a machine that does other work too. Then through the stream: the same
checkpoint sent again once it has been answered, and sent ahead while the last one is evaluated.
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

from runner.clients.channel import Channel
from runner.engine.api import Engine
from runner.engine.client import connect_engine
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
    """What the measurements share."""

    def __init__(self, engine: Engine, labels: dict[str, str], placement: Placement) -> None:
        """Start nothing yet."""
        self.engine, self.placement = engine, placement
        cpus = float(engine.info().cores)
        tag = require_image(engine).tag
        self.spec = evaluator_container(image=tag, cpus=cpus, labels=labels, placement=placement)

    def race(self, asked: dict[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return what the script measured, and the checkpoint and the data that it used."""
        files: dict[str, bytes] = {}
        facts: dict[str, Any] = {}
        environment = {n: v for n, v in self.spec.environment.items() if n != "OMP_NUM_THREADS"}
        command = ("/opt/venv/bin/python", "-c", SCRIPT)
        container = self.engine.start(replace(self.spec, command=command, environment=environment))
        try:
            channel = Channel(container, from_trainer())
            channel.send("job", json.dumps(asked).encode())
            while (frame := channel.await_frame(_SILENCE_SECONDS)).kind != "done":
                if frame.kind == "facts":
                    facts = json.loads(frame.payload)
                elif frame.kind == "file":
                    files[frame.text("name")] = frame.payload
        finally:
            container.remove()
        return facts, files

    def streamed(self, architecture: str, files: dict[str, bytes], *, ahead: int, checkpoints: int) -> float:
        """Return seconds for a checkpoint, start-up excluded, with so many sent before they are due."""
        container = self.engine.start(self.spec)
        try:
            channel = Channel(container, from_evaluator(outputs_bytes=1 << 30))
            device = self.placement.torch_device
            channel.send("job", EvaluatorJob(architecture=architecture, classes=10, device=device).to_json())
            for name in SPLITS:
                channel.send("data", files[name], name=name)
            channel.await_ready()
            begun, sent = time.monotonic(), 0
            for answered in range(checkpoints + 1):  # the first one is not counted
                while sent <= min(answered + ahead, checkpoints):
                    channel.send("checkpoint", files["checkpoint"], index=sent)
                    sent += 1
                assert channel.await_frame(_SILENCE_SECONDS).kind == "outputs"
                begun = begun if answered else time.monotonic()
            return (time.monotonic() - begun) / checkpoints
        finally:
            container.remove()


def table_of(name: str, facts: dict[str, Any]) -> Table:
    """Return what was measured of one network."""
    by_clock, by_processor = facts["flops_per_second"]
    flops = facts["checkpoint_flops"]
    found = Table(
        title=f"{name}: {facts['examples']} examples, {flops / 1e9:.1f} GFLOP a checkpoint; a matrix product "
        f"does {by_clock / 1e9:.0f} GFLOP/s by the clock, {by_processor / 1e9:.0f} by one core's own"
    )
    for column in ("", "checkpoints/s", "examples/s", "ratio", "share of the limit", "by the processor"):
        found.add_column(column, justify="right" if column else "left")
    for way, (clock, processor) in facts["seconds"].items():
        found.add_row(
            way,
            f"{1 / clock:.2f}",
            f"{facts['examples'] / clock:.0f}",
            f"{facts['seconds']['plain'][0] / clock:.2f}",
            f"{flops / clock / by_clock:.2f}",
            f"{1 / processor:.2f}/s, {flops / processor / by_processor:.2f}",
        )
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or cuda:UUID")
    parser.add_argument("--checkpoints", type=int, default=5, help="each way; 0 leaves this part out")
    parser.add_argument("--streamed", type=int, default=5, help="through the stream; 0 leaves this part out")
    parser.add_argument("--network", choices=list(NETWORKS), action="append", help="default: all")
    asked = parser.parse_args()
    engine, console = connect_engine(), Console(width=130)
    device = ALL_GPUS if asked.device == "cuda" else asked.device
    placement = resolve_placement(runtime="", device=device, required_device=CPU, info=engine.info())
    with container_session(engine) as labels:
        bench = Bench(engine, labels, placement)
        for name in asked.network or NETWORKS:
            examples, shape = NETWORKS[name]
            facts, files = bench.race(
                {
                    "architecture": name,
                    "examples": examples,
                    "shape": shape,
                    "checkpoints": asked.checkpoints,
                    "device": placement.torch_device,
                    "cores": engine.info().cores,
                }
            )
            if facts:
                console.print(table_of(name, facts))
            if not asked.streamed:
                continue
            waits, ahead = (
                bench.streamed(name, files, ahead=ahead, checkpoints=asked.streamed) for ahead in (0, 1)
            )
            console.print(
                f"{name}, through the stream ({len(files['checkpoint']) / 1e6:.1f} MB): {waits:.3f} s a "
                f"checkpoint if each waits for the last one's outputs, {ahead:.3f} s if it is sent ahead\n"
            )


if __name__ == "__main__":
    main()
