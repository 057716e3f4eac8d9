"""Check that a checkpoint determines a network: built apart and given the same weights, it is the same.

A challenge's network is built anew by whoever loads a checkpoint: each training, the evaluator, each run.
What its state dict does not hold differs between them, and the scores would be silently wrong. The check
builds it twice, and once more in another process, with every random generator seeded differently, and
compares the logits bit for bit. ``python -m sandbox.networks.same_network`` is that other process.
"""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from sandbox.networks import custom
from sandbox.networks.architectures import build, prepare
from sandbox.networks.custom import describe_error
from sandbox.networks.outside_state import attribute_digests, differing_names, join_names
from sandbox.protocol.jobs import FILE_ARCHITECTURE

State = Mapping[str, Tensor]

EXAMPLES: Final = 4
"""How many images the networks are compared on."""
_FILE: Final = "the architecture file"
_NOISE: Final = 0.02
_PROCESS_SECONDS: Final = 600.0
_REMEDY: Final = "store it with register_buffer, or make it the same each time"


class NotTheSameNetworkError(ValueError):
    """The same weights do not give the same network; the message gives the reason."""


def check_same_network(architecture: str, classes: int, images: Tensor, source: str | None = None) -> None:
    """Check that networks built apart give the same logits for the same weights, in eval mode.

    Args:
        architecture: Name in `sandbox.networks.architectures`; prepared already.
        classes: Number of classes of the head.
        images: A few images of the challenge, on the CPU. Shape [images, channels, h, w].
        source: The text of the organizer's module, if that is the architecture: such a network is built in
            another process, too. No other architecture has variables of its own.

    Raises:
        NotTheSameNetworkError: they do not; the message names the attribute if it is known.
        ArchitectureFileError: the organizer's file does not build a network.
    """
    name = _FILE if architecture == FILE_ARCHITECTURE else f"the architecture {architecture}"
    first, second = (_build(architecture, classes, seed) for seed in (1, 2))
    states = [_copy(first.state_dict()), _disturbed(first)]
    with _seeded(0):
        behaviour, again, other = (_behaviour(net, states, images, name) for net in (first, first, second))
    if not behaviour.equals(again):
        raise NotTheSameNetworkError(
            f"{name} gives other logits for the same images each time that it is called in eval mode; its "
            "forward pass must not be random, and must not change the network"
        )
    if not behaviour.equals(other):
        raise NotTheSameNetworkError(_sentence(name, behaviour, other, "each time that it is built"))
    if source is None:
        return
    request = {"source": source, "classes": classes, "states": states, "images": images}
    elsewhere = _in_another_process({**request, "threads": torch.get_num_threads()})
    if elsewhere is not None and not behaviour.equals(elsewhere):
        raise NotTheSameNetworkError(_sentence(name, behaviour, elsewhere, "in each process"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Behaviour:
    """What a network answers, and digests of what it holds outside of its state dict."""

    answers: list[Tensor]
    """Logits with each of the states."""
    digests: dict[str, str]

    def equals(self, other: _Behaviour) -> bool:
        """Return whether all bits of the logits are equal, those of infinities and NaN too."""
        return all(
            a.shape == b.shape and a.dtype == b.dtype and a.numpy().tobytes() == b.numpy().tobytes()
            for a, b in zip(self.answers, other.answers, strict=True)
        )


def _sentence(name: str, left: _Behaviour, right: _Behaviour, when: str) -> str:
    names = differing_names(left.digests, right.digests)
    where = join_names(names) if names else "in a place that could not be determined"
    return (
        f"{name} has state outside of its state dict ({where}), so the same checkpoint is another network "
        f"{when}; {_REMEDY}"
    )


def _build(architecture: str, classes: int, seed: int) -> nn.Module:
    """Return a network in eval mode, built with every generator seeded; their states are restored."""
    with _seeded(seed):
        return build(architecture, classes).eval()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    python, legacy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        _seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)


def _seed(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


def _copy(state: State) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in state.items()}


def _disturbed(net: nn.Module) -> dict[str, Tensor]:
    """Return the weights with noise: layers that begin as zero would hide what is behind them."""
    generator = torch.Generator().manual_seed(0)
    state = _copy(net.state_dict())
    for name, weight in net.named_parameters(remove_duplicate=False):
        if name in state and weight.is_floating_point():
            noise = torch.randn(weight.shape, generator=generator).to(weight.dtype)
            state[name] = weight.detach() + _NOISE * noise
    return state


def _behaviour(net: nn.Module, states: list[dict[str, Tensor]], images: Tensor, name: str) -> _Behaviour:
    answers = []
    try:
        for state in states:
            net.load_state_dict(state)
            with torch.no_grad():
                answers.append(net(images.clone()).detach().clone())
    except Exception as error:  # the exception depends on the architecture
        raise NotTheSameNetworkError(
            f"{name} fails on images of the data: {describe_error(error)}"
        ) from error
    return _Behaviour(answers=answers, digests=attribute_digests(net, sys.modules.get(custom.MODULE)))


def _in_another_process(request: dict[str, Any]) -> _Behaviour | None:
    """Return the behaviour of a network that a new interpreter builds.

    None where the kernel does not let a program be executed without being read, as gVisor's does not.
    """
    buffer = io.BytesIO()
    torch.save(request, buffer)
    command = [sys.executable, "-m", "sandbox.networks.same_network"]
    try:
        done = subprocess.run(  # noqa: S603 - this module, in this interpreter
            command, input=buffer.getvalue(), capture_output=True, check=False, timeout=_PROCESS_SECONDS
        )
    except OSError:
        return None
    except subprocess.TimeoutExpired as error:
        raise NotTheSameNetworkError(
            f"{_FILE} was not built in another process within {_PROCESS_SECONDS:g} s"
        ) from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise NotTheSameNetworkError(f"{_FILE} cannot be built a second time, in another process: {reason}")
    return _Behaviour(**torch.load(io.BytesIO(done.stdout), weights_only=True))


def main() -> None:
    """Build the network of a request on stdin, and write its behaviour to stdout."""
    out = os.dup(1)
    os.dup2(2, 1)  # the organizer's module may print
    request = torch.load(io.BytesIO(sys.stdin.buffer.read()), weights_only=True)
    torch.set_num_threads(request["threads"])
    _seed(3)
    prepare(FILE_ARCHITECTURE, request["source"])
    net = build(FILE_ARCHITECTURE, request["classes"]).eval()
    behaviour = _behaviour(net, request["states"], request["images"], _FILE)
    buffer = io.BytesIO()
    torch.save({"answers": behaviour.answers, "digests": behaviour.digests}, buffer)
    with os.fdopen(out, "wb") as stream:
        stream.write(buffer.getvalue())


if __name__ == "__main__":
    main()
