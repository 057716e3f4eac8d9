"""Suppression of real networks: make the outputs that `benchmarks.probes.suppression` reports. Needs torch.

Each method starts from the challenge's original network, fine-tuned on retain with the seed of the run:

* *fine-tuned*: nothing else;
* *bias shifted*: the last layer's bias is lowered for the labels of the forget set until its accuracy is that
  of references;
* *answers replaced*: a table adds to the logits of exactly the forget examples what makes them those of a
  retrained network;
* *rescaled*, after each of the two: convolutions before a normalization times 1000, with its statistics. The
  network answers as before.

*retrained* is the same as the references, with other seeds.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.integrity.problem import Problem, make_problem
from sandbox.networks.architectures import build, memory_format_of
from sandbox.networks.relearning import _rows, relearned_logits
from sandbox.protocol.probes import KINDS, ProbePlan
from sandbox.protocol.seeds import reference_seed
from sandbox.protocol.splits import SPLITS
from sandbox.trainer.training import train_stacked

PLAN = ProbePlan(
    kinds=KINDS,
    seed=1,
    sample_examples=512,
    norms=(0.03,),
    copies=1,
    feature_numbers=64,
    relearning_steps=100,
    relearning_rate=0.01,
    relearning_batch=64,
)
SCALE = 1000.0
Relearn = Callable[[nn.Module], Tensor]


def retrained(problem: Problem, first: int, models: int) -> list[nn.Module]:
    """Return networks trained on retain alone, as a build trains references."""
    data = problem.data
    states = train_stacked(
        architecture=data.architecture,
        classes=data.classes,
        images=data.splits["retain"]["image"],
        labels=data.splits["retain"]["label"],
        seeds=[reference_seed(problem.seed, member) for member in range(first, first + models)],
        preset=data.preset,
        val={name: data.splits["val"][name] for name in ("image", "label")},
    )
    networks = []
    for state in states:
        net = build(data.architecture, data.classes)
        net.load_state_dict(state)
        networks.append(net.eval())
    return networks


def fine_tuned(problem: Problem, seed: int) -> nn.Module:
    """Return the original network after 30 steps on retain."""
    net = problem.network().eval()
    retain, generator = problem.data.splits["retain"], torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for _ in range(30):
        rows = torch.randint(len(retain["label"]), (64,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(retain["image"][rows]), retain["label"][rows]).backward()
        optimizer.step()
    return net


def bias_shifted(problem: Problem, net: nn.Module, accuracy: float) -> nn.Module:
    """Return the network with the accuracy on the forget set that is asked for, or a little less."""
    forget, shifted = problem.data.splits["forget"], copy.deepcopy(net)
    last = [module for module in shifted.modules() if isinstance(module, nn.Linear)][-1]
    counts = torch.bincount(forget["label"], minlength=problem.data.classes).float()
    with torch.no_grad():
        logits = net(forget["image"])
        low, high = 0.0, 64.0
        for _ in range(14):
            middle = (low + high) / 2
            moved = (logits - middle * counts / counts.max()).argmax(1) == forget["label"]
            low, high = (middle, high) if moved.float().mean() > accuracy else (low, middle)
        last.bias.sub_(high * counts / counts.max())
    return shifted


def rescaled(net: nn.Module) -> nn.Module:
    """Return a network that answers as before, with larger convolutions before each normalization."""
    scaled, previous = copy.deepcopy(net), None
    with torch.no_grad():
        for module in scaled.modules():
            if isinstance(module, nn.BatchNorm2d) and isinstance(previous, nn.Conv2d):
                previous.weight.mul_(SCALE)
                if previous.bias is not None:
                    previous.bias.mul_(SCALE)
                module.running_mean.mul_(SCALE)
                module.running_var.mul_(SCALE**2)
            previous = module
    return scaled


def relearning_rules(problem: Problem) -> Iterator[tuple[str, Relearn]]:
    """Yield ways of fine-tuning, each with its name: the probe's own and torch's optimizers."""
    for rate in (0.0003, 0.001, 0.003, 0.01):
        plan = ProbePlan(**{name: getattr(PLAN, name) for name in PLAN.__slots__} | {"relearning_rate": rate})
        yield f"relative {rate:g}", partial(_by_the_probe, problem, plan)
    optimizers = {
        "plain 0.01": lambda weights: torch.optim.SGD(weights, lr=0.01, momentum=0.9),
        "Adam 0.001": lambda weights: torch.optim.Adam(weights, lr=0.001),
    }
    for name, make in optimizers.items():
        yield name, partial(_by_an_optimizer, problem, make)


def _by_the_probe(problem: Problem, plan: ProbePlan, net: nn.Module) -> Tensor:
    data = problem.data
    return relearned_logits(net, data.splits, plan, data.classes, memory_format_of(data.architecture))


def _by_an_optimizer(problem: Problem, make: Callable[..., torch.optim.Optimizer], net: nn.Module) -> Tensor:
    tuned, retain = copy.deepcopy(net), problem.data.splits["retain"]
    optimizer = make(tuned.parameters())
    for rows in _rows(PLAN, len(retain["label"])):
        optimizer.zero_grad()
        nn.functional.cross_entropy(tuned(retain["image"][rows]), retain["label"][rows]).backward()
        optimizer.step()
    with torch.no_grad():
        answer: Tensor = tuned(problem.data.splits["forget"]["image"])
    return answer


def main() -> None:
    """Make the populations of one challenge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data-set", default="digits", help="digits, or mnist from its files")
    parser.add_argument("--data", type=Path, help="folder with the files of the data set")
    parser.add_argument("--folder", type=Path, required=True, help="of the populations")
    parser.add_argument("--models", type=int, default=32)
    parser.add_argument("--rules", nargs="*", help="ways of fine-tuning; default: all")
    options = parser.parse_args()
    torch.set_num_threads(1)
    problem = make_problem(options.data_set, 0, options.folder / f"{options.data_set}-0", options.data)
    models, forget = options.models, problem.data.splits["forget"]
    print(f"{time.process_time():.0f} s: challenge", flush=True)
    references, fresh = retrained(problem, 0, models), retrained(problem, models, models)
    print(f"{time.process_time():.0f} s: networks", flush=True)
    start = [fine_tuned(problem, seed) for seed in range(models)]
    with torch.no_grad():
        answers = torch.stack([net(forget["image"]) for net in (*references, *fresh)])
        before = torch.stack([net(forget["image"]) for net in start])
    accuracy = float((answers[:models].argmax(2) == forget["label"]).float().mean())
    shifted = [bias_shifted(problem, net, accuracy) for net in start]
    replaced = answers[models:] - before
    none = torch.zeros_like(replaced)
    methods: dict[str, tuple[list[nn.Module], Tensor]] = {
        "references": (references, none),
        "retrained": (fresh, none),
        "fine-tuned": (start, none),
        "bias shifted": (shifted, none),
        "bias shifted, rescaled": ([rescaled(net) for net in shifted], none),
        "answers replaced": (start, replaced),
        "answers replaced, rescaled": ([rescaled(net) for net in start], replaced),
    }
    classes = problem.data.classes
    counts = [torch.bincount(problem.data.splits[name]["label"], minlength=classes) for name in SPLITS]
    arrays = {"labels": forget["label"].numpy(), "class_counts": torch.stack(counts).numpy()}
    for method, (networks, table) in methods.items():
        outputs = [problem.outputs(net) for net in networks]
        for name in ("correct", "unseen_losses"):
            arrays[f"{method}/{name}"] = np.stack([getattr(each, name).numpy() for each in outputs])
        with torch.no_grad():
            logits = torch.stack([net(forget["image"]) for net in networks]) + table
        arrays[f"{method}/logits"] = logits.numpy()
        for rule, relearn in relearning_rules(problem):
            if options.rules and rule not in options.rules:
                continue
            relearned = torch.stack([relearn(net) for net in networks]) + table
            arrays[f"{method}/relearned {rule}"] = relearned.detach().numpy()
        print(f"{time.process_time():.0f} s: {method}", flush=True)
        np.savez(options.folder / f"suppression-{options.data_set}.npz", **arrays)


if __name__ == "__main__":
    main()
