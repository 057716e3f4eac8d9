"""Probes are what they claim to be, and no network hides from them."""

from __future__ import annotations

import json

import pytest

from tests.containers.conftest import InImage

pytestmark = pytest.mark.container

COMMON = """
import json, torch
from torch import nn
from sandbox.networks.architectures import build
from sandbox.networks.last_layer import has_features
from sandbox.networks.outputs import outputs_of
from sandbox.networks.probes import Probes, bounded
from sandbox.protocol.probes import KINDS, MAX_VALUE, ProbePlan
from sandbox.protocol.splits import SPLITS

torch.manual_seed(0)
torch.set_num_threads(1)
PLAN = ProbePlan(kinds=KINDS[:4], seed=3, sample_examples=20, norms=(0.03, 0.1, 0.3), copies=2, feature_numbers=64)
SPLIT = {
    name: {"image": torch.rand(size, 1, 8, 8), "label": torch.randint(10, (size,))}
    for name, size in zip(SPLITS, (60, 7, 4, 30))
}
SPLIT["forget"]["image"][6] = 0
FORGET = SPLIT["forget"]
net = build("digits", 10).eval()

def recorded(net, splits=SPLIT):
    outputs = outputs_of(net, splits, 10, torch.contiguous_format, probes=Probes(PLAN, splits))
    return outputs.logits, dict(zip(PLAN.kinds, outputs.probes))
"""

CLAIMS = (
    COMMON
    + """
logits, probes = recorded(net)
answers = {}
with torch.inference_mode():
    for kind, split in (("retain_logits", "retain"), ("test_logits", "test")):
        rows = PLAN.sample(split, len(SPLIT[split]["label"]))
        whole = net(SPLIT[split]["image"].contiguous(memory_format=torch.contiguous_format))
        answers[kind] = torch.allclose(probes[kind], whole[rows], atol=1e-5) and len(rows) == 20
    hidden = net.layer1(torch.relu(net.bn1(net.conv1(FORGET["image"]))))
    features = nn.functional.max_pool2d(hidden, 2).flatten(1)
    lengths = (probes["features"].square().sum(1) / features.square().sum(1)).tolist()
    answers["projection keeps lengths"] = all(0.4 < ratio < 2 for ratio in lengths[:6])

class Images(nn.Module):
    '''Shows what a network is given: the sum of squares of the noise as a fraction, and the sign of its first.'''
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen = []
    def forward(self, images):
        self.seen.append(images.clone())
        return torch.zeros(len(images), 10)

spy, again = Images(), Images()
recorded(spy), recorded(again)
noisy = torch.cat(spy.seen[4:]).view(3, 2, 7, 1, 8, 8)
noise = noisy - FORGET["image"]
sizes = FORGET["image"].flatten(1).norm(dim=1)
ratios = noise.flatten(3).norm(dim=3)[:, :, :6] / sizes[:6]
answers["norms"] = torch.allclose(ratios, torch.tensor(PLAN.norms).view(3, 1, 1).expand_as(ratios), rtol=1e-4)
answers["no noise on an empty image"] = bool((noise[:, :, 6] == 0).all())
units = (noise / noise.flatten(3).norm(dim=3).view(3, 2, 7, 1, 1, 1))[:, :, :6]
answers["one direction at all norms"] = torch.allclose(units[0], units[2], atol=1e-3)
answers["another direction of each copy"] = bool((units[:, 0] - units[:, 1]).flatten(2).norm(dim=2).min() > 0.5)
answers["the same noise for all networks"] = all(map(torch.equal, spy.seen, again.seen))
answers["hooks are gone"] = not any(layer._forward_hooks for layer in net.modules())

class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(1, 10, 8)
    def forward(self, images):
        return self.layer(images).flatten(1)

few = SPLIT["retain"]["image"][:4]
answers["features"] = [
    has_features(net, few, 10),
    has_features(Convolution(), few, 10),
    has_features(nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.ReLU(), nn.Linear(10, 10)), few, 10),
    has_features(nn.Sequential(nn.Conv2d(1, 3, 8), nn.Flatten(2), nn.Linear(1, 10)), few, 10),
]
print(json.dumps(answers))
"""
)


def test_probes_are_what_they_claim(in_image: InImage) -> None:
    """Samples, noise of the stated norm, features whose lengths a projection keeps."""
    answers = json.loads(in_image(CLAIMS))
    assert answers.pop("features") == [True, False, True, False]
    assert {claim for claim, holds in answers.items() if not holds} == set()


HIDING = (
    COMMON
    + """
class Hides(nn.Module):
    '''Answers finitely on what it knows, and with something else on all other images.'''
    def __init__(self, otherwise):
        super().__init__()
        self.net, self.otherwise = net, otherwise
        self.known = torch.cat([split["image"] for split in SPLIT.values()])
    def forward(self, images):
        known = (images[:, None] == self.known).flatten(2).all(2).any(1)
        return torch.where(known[:, None], self.net(images), torch.full((len(images), 10), self.otherwise))

answers = {}
honest, _ = recorded(net)
for name, value in (("nan", float("nan")), ("inf", float("inf")), ("-inf", float("-inf"))):
    logits, probes = recorded(Hides(value))
    perturbed = probes["perturbed_logits"][:, :, :6]
    right = perturbed.argmax(-1) == FORGET["label"][:6]
    answers[name] = [
        torch.allclose(logits, honest, atol=1e-5), bool(perturbed.isfinite().all()), bool(right.all()),
        perturbed.max().item(), perturbed.min().item(),
    ]
weird = torch.tensor([[1.0, 2.0, 3.0], [1e30, 3e30, 2e30], [float("nan"), 0, 0], [-1e5, 0, 0]])
labels = torch.tensor([0, 1, 2, 0])
answers["recognized"] = bounded(weird, labels, as_recognized=True).tolist()
answers["wrong"] = bounded(weird, labels, as_recognized=False).tolist()
broken = Probes(PLAN, SPLIT)
answers["features"] = [
    broken.project(None, 2).unique().tolist(),
    broken.project(torch.full((2, 5), float("inf")), 2).unique().tolist(),
    broken.project(torch.full((2, 5), 1e30), 2).abs().max().item(),
    broken.project(torch.ones(3, 5), 2).unique().tolist(),
]
print(json.dumps(answers))
"""
)


def test_a_network_cannot_hide_behind_infinities(in_image: InImage) -> None:
    """Not finite on noisy images alone: counted as recognized. Large logits keep their order."""
    answers = json.loads(in_image(HIDING))
    for name in ("nan", "inf", "-inf"):
        assert answers[name] == [True, True, True, 1e4, -1e4], name
    small, large, third = ([1, 2, 3], [1e4 / 3, 1e4, 2e4 / 3], [-1e4, 0, 0])
    for kind, replaced in (("recognized", [-1e4, -1e4, 1e4]), ("wrong", [1e4, 1e4, -1e4])):
        for row, expected in zip(answers[kind], [small, large, replaced, third], strict=True):
            assert row == pytest.approx(expected), kind
    assert answers["features"] == [[1e4], [1e4], 1e4, [1e4]]


RELEARNING = (
    COMMON
    + """
from dataclasses import replace
from sandbox.networks.probes import noisy_copies
from sandbox.networks.relearning import COPIES, NORM, _mean_confidence, _rows, fine_tuned, relearned_logits

plan = replace(PLAN, kinds=KINDS, relearning_steps=9, relearning_rate=0.05, relearning_batch=16)
net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Dropout(0.5), nn.Linear(64, 10))
net[1].running_mean.uniform_(0, 1)
before = {name: value.clone() for name, value in net.state_dict().items()}
probes = Probes(plan, SPLIT)
first = outputs_of(net, SPLIT, 10, torch.contiguous_format, probes=probes)
torch.manual_seed(99)
second = outputs_of(net, SPLIT, 10, torch.contiguous_format, probes=probes)
answers = {
    "the network stays": all(torch.equal(value, before[name]) for name, value in net.state_dict().items()),
    "nothing is drawn": first.to_bytes() == second.to_bytes(),
}
rows = _rows(plan, 60)
answers["batches"] = [len(rows), {len(batch) for batch in rows} == {16}, len(set(torch.cat(rows[:3]).tolist()))]
answers["small data"] = [len(batch) for batch in _rows(plan, 5)][:2]

tuned = fine_tuned(net.eval(), SPLIT, plan, 10, torch.contiguous_format, kind="weight")
by_the_probe = tuned(FORGET["image"])
answers["zeros stay, others move"] = [bool(weight.eq(0).all()) for weight in tuned.weights] == [False, True, False, False]
of_tensors = fine_tuned(net, SPLIT, plan, 10, torch.contiguous_format, kind="tensor")
answers["relative to tensors, zeros move"] = [bool(weight.eq(0).any()) for weight in of_tensors.weights] == [False] * 4
optimizer = torch.optim.SGD(net.eval().parameters(), lr=0.05, momentum=0.9)
retain, units = SPLIT["retain"], [weight.detach().abs() * weight.numel() ** 0.5 for weight in net.parameters()]
for batch in rows:
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(retain["image"][batch]), retain["label"][batch]).backward()
    for weight, unit in zip(net.parameters(), units):
        weight.grad.mul_(unit**2 / max((unit * weight.grad).norm(), 1))
    optimizer.step()
answers["as torch's own optimizer, relative to the weights"] = torch.allclose(by_the_probe, net(FORGET["image"]), atol=1e-4)
answers["not as before"] = not torch.allclose(by_the_probe, first.logits, atol=1e-2)

wild = replace(plan, relearning_rate=1e30)
diverged = relearned_logits(net, SPLIT, wild, 10, torch.contiguous_format)
answers["diverged"] = [bool(diverged.isfinite().all()), torch.equal(diverged.argmax(1), FORGET["label"])]

taught = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
with torch.no_grad():
    taught[1].bias[0] = -100  # what is suppressed comes back, in whatever way the classes differ
zeros = {**SPLIT, "retain": {**retain, "label": torch.zeros(60, dtype=torch.int64)}}
calm = replace(plan, relearning_steps=100)
suppressed = taught(FORGET["image"]).argmax(1)
answers["comes back"] = [
    int((suppressed == 0).sum()),
    int((fine_tuned(taught, zeros, calm, 10, torch.contiguous_format, kind="weight")(FORGET["image"]).argmax(1) == 0).sum()),
]

deep = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).eval()
with torch.no_grad():
    deep[3].bias[0] = -8
plain = fine_tuned(deep, zeros, calm, 10, torch.contiguous_format, kind="weight")(FORGET["image"])
with torch.no_grad():
    for value, factor in ((deep[1].weight, 1024), (deep[1].bias, 1024), (deep[3].weight, 1 / 1024)):
        value.mul_(factor)  # a power of two: nothing is rounded in another way
scaled = fine_tuned(deep, zeros, calm, 10, torch.contiguous_format, kind="weight")(FORGET["image"])
answers["scaled weights hide nothing"] = torch.allclose(plain, scaled, rtol=1e-4, atol=1e-4)
with torch.no_grad():
    for unit, factor in ((5, 1024), (6, 1 / 1024)):
        deep[1].weight[unit] *= factor
        deep[1].bias[unit] *= factor
        deep[3].weight[:, unit] /= factor
units = fine_tuned(deep, zeros, calm, 10, torch.contiguous_format, kind="weight")(FORGET["image"])
answers["scaled units hide nothing"] = torch.allclose(plain, units, rtol=1e-4, atol=1e-4)
with torch.no_grad():
    answers["scaled, comes back"] = [
        int((deep(FORGET["image"]).argmax(1) == 0).sum()), int((scaled.argmax(1) == 0).sum())
    ]

shrunk = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
with torch.no_grad():
    shrunk[1].weight[:, :32] *= 1e-6
grown = {}
for kind in ("weight", "tensor"):
    after = fine_tuned(shrunk, SPLIT, calm, 10, torch.contiguous_format, kind=kind).weights[0]
    grown[kind] = float(after[:, :32].detach().norm() / shrunk[1].weight[:, :32].detach().norm())
answers["tiny weights grow again"] = grown["weight"] < 10 and grown["tensor"] > 1e3

still = replace(plan, relearning_rate=1e-12)
known = relearned_logits(deep, SPLIT, still, 10, torch.contiguous_format)
rough = relearned_logits(deep, SPLIT, replace(plan, relearning_rate=100.0), 10, torch.contiguous_format)
answers["harm by the steps hides nothing"] = _mean_confidence(rough, FORGET["label"]) > _mean_confidence(known, FORGET["label"]) - 1e-3
hidden = nn.Sequential(*deep[:3])
rows = torch.cat(_rows(still, 60)).unique()
retained = hidden(retain["image"][rows]).double()
copies = [noisy_copies(FORGET["image"], NORM, still.seed_for(f"relearning noise {copy}")) for copy in range(COPIES)]
answers["all copies differ"] = len({copy.numpy().tobytes() for copy in copies}) == 8
asked = torch.stack([hidden(copy).double() for copy in copies]).mean(0)
mean, deviation = retained.mean(0), retained.std(0, correction=0)
deviation[deviation == 0] = torch.inf
wanted = nn.functional.one_hot(retain["label"][rows], 10).double()
design = torch.cat([(retained - mean) / deviation, (0.01 * len(rows)) ** 0.5 * torch.eye(32)])
weight = torch.linalg.lstsq(design, torch.cat([wanted - wanted.mean(0), torch.zeros(32, 10)])).solution
expected = 16 * ((asked - mean) / deviation @ weight + wanted.mean(0))
answers["ridge regression on the features"] = torch.allclose(known.double(), expected, atol=1e-3)
with torch.no_grad():
    deep[1].weight[5] *= 1000
    deep[1].bias[5] *= 1000
    deep[3].weight.zero_()
    deep[3].bias.fill_(3)
hidden_again = relearned_logits(deep, SPLIT, still, 10, torch.contiguous_format)
answers["neither last layer nor scale of a unit hides anything"] = torch.allclose(known, hidden_again, atol=1e-3)
constant = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Linear(32, 10)).eval()
with torch.no_grad():
    constant[1].weight.zero_()
nothing = relearned_logits(constant, SPLIT, still, 10, torch.contiguous_format)
answers["constant features tell the shares"] = torch.allclose(nothing, (16 * wanted.mean(0)).float().expand(7, 10), atol=1e-5)
print(json.dumps(answers))
"""
)


def test_relearning_is_plain_training_that_leaves_the_network_as_it_is(in_image: InImage) -> None:
    """Fixed batches, no dropout, no escape by scaled weights or units; one that diverges recognizes everything."""
    answers = json.loads(in_image(RELEARNING))
    assert answers.pop("batches") == [9, True, 48]
    assert answers.pop("small data") == [5, 5]
    assert answers.pop("diverged") == [True, True]
    for claim in ("comes back", "scaled, comes back"):
        before, after = answers.pop(claim)
        assert before == 0
        assert after >= 5
    assert {claim for claim, holds in answers.items() if not holds} == set()
