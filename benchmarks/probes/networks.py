"""Suppression of real networks: make the outputs that `benchmarks.probes.suppression` reports. Needs torch.

Each method starts from the challenge's original network, fine-tuned on retain with the seed of the run:

* *fine-tuned*: nothing else;
* *bias shifted*: the last layer's bias is lowered for the labels of the forget set until its accuracy is that
  of references;
* *answers noised*: a table shifts each forget example's own logit, so that its confidence has the mean and
  the deviation that references have;
* *answers replaced*: a table adds to the logits of exactly the forget examples what makes them those of a
  retrained network;
* *bias shifted, rescaled*: convolutions before a normalization times 1000, with its statistics. The
  network answers as before.

*retrained* is the same as the references, with other seeds.

Two ways of relearning: that of *version 2*, where the network keeps its last layer and is asked about the
forget examples themselves, so that tables remain; and the *probe*, where neither is so. A table stands in
the last layer, or recognises exactly the forget examples: the probe replaces the one and changes the other.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.integrity.problem import Problem, make_problem
from sandbox.networks.architectures import build, memory_format_of
from sandbox.networks.relearning import fine_tuned as fine_tuned_by_the_probe
from sandbox.networks.relearning import relearned_logits
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
    relearning_rate=0.001,
    relearning_batch=64,
)
SCALE = 1000.0


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


def by_version_2(problem: Problem, net: nn.Module) -> Tensor:
    """Return the logits on the forget examples after the steps on retain, by the network's own last layer."""
    data = problem.data
    layout = memory_format_of(data.architecture)
    tuned = fine_tuned_by_the_probe(net, data.splits, PLAN, data.classes, layout, kind="tensor")
    with torch.no_grad():
        answer: Tensor = tuned(data.splits["forget"]["image"])
    return answer


def by_the_probe(problem: Problem, net: nn.Module) -> Tensor:
    """Return what the probe records."""
    data = problem.data
    return relearned_logits(net, data.splits, PLAN, data.classes, memory_format_of(data.architecture))


def noised(before: Tensor, labels: Tensor, references: Tensor, seed: int) -> Tensor:
    """Return what is added to the logits, so that confidences are distributed as those of references.

    Args:
        before: Logits of the networks. Shape [models, examples, classes].
        labels: Of the examples. Shape [examples].
        references: Logits of the references. Shape [references, examples, classes].
        seed: Of the noise.
    """
    present, aimed_at = (_confidences(logits, labels) for logits in (before, references))
    noise = torch.randn(present.shape, generator=torch.Generator().manual_seed(seed))
    target = aimed_at.mean(dim=0) + aimed_at.std(dim=0) * noise
    return nn.functional.one_hot(labels, before.shape[2]) * (target - present).unsqueeze(2)


def _confidences(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the label's logit less the logsumexp of all others. Shape [models, examples]."""
    own = nn.functional.one_hot(labels, logits.shape[2]).bool().expand_as(logits)
    others = logits.masked_fill(own, -torch.inf).logsumexp(dim=2)
    confidences: Tensor = (logits * own).sum(dim=2) - others
    return confidences


def main() -> None:
    """Make the populations of one challenge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data-set", default="digits", help="digits, or mnist from its files")
    parser.add_argument("--seed", type=int, default=0, help="of the challenge")
    parser.add_argument("--data", type=Path, help="folder with the files of the data set")
    parser.add_argument("--folder", type=Path, required=True, help="of the populations")
    parser.add_argument("--models", type=int, default=32)
    options = parser.parse_args()
    torch.set_num_threads(1)
    name, models = f"{options.data_set}-{options.seed}", options.models
    problem = make_problem(options.data_set, options.seed, options.folder / name, options.data)
    forget = problem.data.splits["forget"]
    references, fresh = retrained(problem, 0, models), retrained(problem, models, models)
    print(f"{time.process_time():.0f} s: networks", flush=True)
    start = [fine_tuned(problem, seed) for seed in range(models)]
    with torch.no_grad():
        answers, of_fresh, before = (
            torch.stack([net(forget["image"]) for net in networks]) for networks in (references, fresh, start)
        )
    accuracy = float((answers.argmax(2) == forget["label"]).float().mean())
    shifted = [bias_shifted(problem, net, accuracy) for net in start]
    none = torch.zeros_like(before)
    methods: dict[str, tuple[list[nn.Module], dict[str, Tensor]]] = {
        "references": (references, {"references": none}),
        "retrained": (fresh, {"retrained": none}),
        "fine-tuned": (
            start,
            {
                "fine-tuned": none,
                "answers noised": noised(before, forget["label"], answers, options.seed),
                "answers replaced": of_fresh - before,
            },
        ),
        "bias shifted": (shifted, {"bias shifted": none}),
        "bias shifted, rescaled": ([rescaled(net) for net in shifted], {"bias shifted, rescaled": none}),
    }
    classes = problem.data.classes
    counts = [torch.bincount(problem.data.splits[split]["label"], minlength=classes) for split in SPLITS]
    arrays = {"labels": forget["label"].numpy(), "class_counts": torch.stack(counts).numpy()}
    for networks, tables in methods.values():
        outputs = [problem.outputs(net) for net in networks]
        logits = torch.stack([each.logits for each in outputs])
        kept = torch.stack([by_version_2(problem, net) for net in networks])
        relearned = torch.stack([by_the_probe(problem, net) for net in networks])
        for method, table in tables.items():
            for part in ("correct", "unseen_losses"):
                arrays[f"{method}/{part}"] = np.stack([getattr(each, part).numpy() for each in outputs])
            arrays[f"{method}/logits"] = (logits + table).numpy()
            arrays[f"{method}/relearned version 2"] = (kept + table).numpy()
            arrays[f"{method}/relearned probe"] = relearned.numpy()
            print(f"{time.process_time():.0f} s: {method}", flush=True)
    np.savez(options.folder / f"suppression-{name}.npz", **arrays)


if __name__ == "__main__":
    main()
