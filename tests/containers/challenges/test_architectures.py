"""Architectures in the real image: stacked ones, torchvision's, and an organizer's own."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.layout import ARCHITECTURE_FILE, CHALLENGE_FILES, PROBES_FILE
from runner.challenge.load import load_challenge
from tests.support import recipe_data
from tests.support.command import unlearn
from tests.support.paths import ROOT

pytestmark = pytest.mark.container

QUICK = ("--references", "2", "--epochs", "1", "--forget-fraction", "0.1", "--limit-examples", "200")
InImage = Callable[[str], str]

OWN = """
import os
import torch
from torch import nn

IMPORTED_BY = os.getuid()
print("printed at import")


class Flat(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(28 * 28, 32), nn.ReLU())
        self.head = nn.Linear(32, classes)

    def forward(self, image):
        return self.head(self.body(image.view(len(image), -1)))


def build(classes: int) -> nn.Module:
    return Flat(classes)
"""
SUBMISSION = """
import copy, inspect, os, sys
import torch

def unlearning(net, retain, forget, val):
    module = sys.modules[type(net).__module__]
    assert module.IMPORTED_BY == os.getuid() != 0, "another process imported it"
    assert "class Flat" in inspect.getsource(type(net))
    assert list(net.state_dict()) == ["body.0.weight", "body.0.bias", "head.weight", "head.bias"]
    twin = copy.deepcopy(net)
    torch.save(twin, "twin.pt")
    twin = torch.load("twin.pt")
    for batch in retain:
        torch.nn.functional.cross_entropy(twin(batch["image"]), batch["age_group"]).backward()
        with torch.no_grad():
            twin.head.bias -= 0.01 * twin.head.bias.grad
        twin.zero_grad()
    return twin
"""


def test_a_stacked_resnet18_computes_what_torchvisions_does(in_image: InImage) -> None:
    """A stack of three has the outputs, gradients and statistics of three single networks, in train and eval mode."""
    text = in_image("""
import json, torch
from torch.nn import functional
from torchvision.models import resnet18
from sandbox.networks.architectures import build
from sandbox.networks.stacking import stack, stack_images, unstack
torch.set_num_threads(1)
torch.manual_seed(0)
alone = [resnet18(num_classes=5).double() for _ in range(3)]
together = build("resnet18", 5, 3).double()
together.load_state_dict(stack([net.state_dict() for net in alone]))
images, labels = torch.rand(3, 6, 3, 32, 32).double(), torch.randint(5, (3, 6))
worst = {}
for training in (True, False):
    logits = together.train(training)(stack_images(images)).view(6, 3, 5)
    together.zero_grad()
    functional.cross_entropy(logits.flatten(0, 1), labels.T.flatten(), reduction="sum").backward()
    parts = unstack({name: weight.grad for name, weight in together.named_parameters()}, 3)
    states = unstack(together.state_dict(), 3)
    for number, net in enumerate(alone):
        net.train(training).zero_grad()
        answer = net(images[number])
        functional.cross_entropy(answer, labels[number], reduction="sum").backward()
        grads = {name: weight.grad for name, weight in net.named_parameters()}
        assert grads.keys() == parts[number].keys() and net.state_dict().keys() == states[number].keys()
        differences = [
            (answer - logits[:, number]).abs().max(),
            *((grads[n] - parts[number][n]).abs().max() for n in grads),
            *((value - states[number][n]).abs().max() for n, value in net.state_dict().items()),
        ]
        worst[f"{training} {number}"] = max(float(difference) for difference in differences)
plain = build("resnet18", 5)
print(json.dumps({"worst": worst, "class": type(plain).__module__}))
""")
    result = json.loads(text)
    assert result["class"] == "torchvision.models.resnet"
    assert len(result["worst"]) == 6
    assert max(result["worst"].values()) < 1e-8


def test_classifiers_of_torchvision_are_built_by_name(in_image: InImage) -> None:
    """Each returns one tensor [batch, classes] in both modes; an unknown name is refused in one sentence."""
    text = in_image("""
import json, torch, warnings
warnings.simplefilter("error")
from sandbox.networks.architectures import build, can_be_stacked
torch.set_num_threads(1)
shapes = {}
sizes = {"googlenet": 64, "inception_v3": 96}
names = ("resnet50", "efficientnet_b0", "mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5", *sizes)
for name in names:
    side = sizes.get(name, 32)
    with torch.no_grad():
        net = build(name, 7)
        shapes[name] = [list(net.train(mode)(torch.rand(2, 3, side, side)).shape) for mode in (True, False)]
sentences = []
for name, models in (("resnet5", 1), ("fasterrcnn_resnet50_fpn", 1), ("resnet50", 2)):
    try:
        build(name, 7, models)
    except ValueError as error:
        sentences.append(str(error))
from sandbox.trainer.training import group_size
groups = [group_size(name, device) for name in ("digits", "resnet18", "resnet50") for device in ("cpu", "cuda")]
print(json.dumps({"shapes": shapes, "sentences": sentences, "groups": groups}))
""")
    result = json.loads(text)
    assert {str(shapes) for shapes in result["shapes"].values()} == {"[[2, 7], [2, 7]]"}
    near, far, stacked = result["sentences"]
    assert near.startswith("unknown architecture 'resnet5' (did you mean resnet50 or ")
    assert near.endswith("; available: digits, convnet-1, convnet-3 and any classifier of torchvision")
    assert far.startswith("unknown architecture 'fasterrcnn_resnet50_fpn'")
    assert stacked == "resnet50 cannot be stacked"
    assert result["groups"] == [16, 16, 1, 16, 1, 1]


REFUSED = {
    "import nothing_of_the_kind": "the architecture file does not import: ModuleNotFoundError: No module named",
    "def build(": "the architecture file does not import: SyntaxError: '(' was never closed",
    "raise SystemExit(3)": "the architecture file does not import: SystemExit: 3",
    "def biuld(classes): pass": "the architecture file defines no function called build",
    "def build(): pass": "build(10) of the architecture file fails: TypeError: build() takes 0 positional",
    "def build(classes): return 3": "returns a int, not a torch.nn.Module",
    "def build(classes): return nn.Identity()": "the architecture file has no weights to train",
    "def build(classes): return nn.LazyLinear(classes)": "which is not a tensor of plain numbers with a known size",
    "def build(classes): return nn.Linear(9, classes)": "does not accept images of 1x8x8 (RuntimeError:",
    "def build(classes): return nn.Linear(8, classes)": "returns a tensor [2, 1, 8, 10] of torch.float32",
    "class Two(nn.Linear):\n    def forward(self, x):\n        return x, x\n"
    "def build(classes): return Two(8, 8)": "returns a tuple for two images, not a tensor [2, 10]",
}


def test_a_file_that_defines_no_usable_network_is_refused_in_one_sentence(in_image: InImage) -> None:
    """Each way in which a file can fail is refused by the trainer's first check of it."""
    text = in_image(f"""
import json
from sandbox.networks.architectures import prepare
from sandbox.recipes.assemble import assemble
from sandbox.recipes.digits import recipe
from sandbox.recipes.api import Request
request = Request(seed=0, forget_fraction=0.1, architecture="file", max_examples=200)
draft = recipe(request)
sentences = []
for source in {list(REFUSED)!r}:
    try:
        prepare("file", "from torch import nn\\n" + source)
        assemble(draft, request)
    except ValueError as error:
        sentences.append(str(error))
    else:
        sentences.append("not refused")
print(json.dumps(sentences))
""")
    for sentence, words in zip(json.loads(text), REFUSED.values(), strict=True):
        assert words in sentence
        assert "\n" not in sentence


@pytest.mark.parametrize(
    ("architecture", "sentence", "isolation"),
    [
        ("digitz", "unknown architecture 'digitz' (did you mean digits?)", "process"),
        ("convnet-1", "the weights do not fit convnet-1: ", "container"),
    ],
)
def test_an_unusable_network_of_the_challenge_blames_no_submission(
    challenge: Challenge, tmp_path: Path, architecture: str, sentence: str, isolation: str
) -> None:
    """No run is started or recorded: the same command reports the same again."""
    folder = shutil.copytree(challenge.folder, tmp_path / "challenge")
    description = folder / "challenge.toml"
    original = description.read_text()
    description.write_text(original.replace('architecture = "digits"', f'architecture = "{architecture}"'))
    command = ("run", ROOT / "sample_submissions" / "original", "--challenge", folder, "-n", 2)
    words = (*command, "--store", tmp_path / "store", "--isolation", isolation)
    for _ in range(2):
        refused = unlearn(*words, code=2).stderr
        assert f"The challenge's network cannot be used: {sentence}" in refused
    with closing(sqlite3.connect(tmp_path / "store" / "store.sqlite")) as database:
        assert database.execute("select count(*) from runs").fetchall() == [(0,)]
    description.write_text(original)
    assert json.loads(unlearn(*words, "--json").stdout)["verdicts"] == {"ok": 2}


def test_an_own_network_from_its_file_to_a_score(tmp_path: Path) -> None:
    """The file is part of the challenge, runs import it without privileges, and its networks copy and pickle."""
    file = tmp_path / "net.py"
    file.write_text(OWN)
    folder = tmp_path / "built"
    command = (
        "challenge",
        "build",
        "idx",
        folder,
        "--data",
        recipe_data.MNIST,
        *QUICK,
        "--architecture-file",
        file,
    )
    unlearn(*command)
    challenge = load_challenge(folder)
    assert challenge.description.architecture == "file"
    assert challenge.description.reference_group == 1
    assert challenge.architecture_source == OWN
    assert set(challenge.description.files) == {*CHALLENGE_FILES, ARCHITECTURE_FILE, PROBES_FILE}
    (tmp_path / "submission.py").write_text(SUBMISSION)
    words = ("--challenge", folder, "-n", 2, "--store", tmp_path / "store", "--json")
    summary = json.loads(unlearn("run", tmp_path / "submission.py", *words).stdout)
    assert summary["verdicts"] == {"ok": 2}

    unlearn(*command)
    assert load_challenge(folder).sha256 == challenge.sha256
    file.write_text(OWN + "\n")
    assert "holds another challenge (its recipe, data, architecture," in unlearn(*command, code=2).stderr
    file.write_text("def build(classes):\n    raise ValueError('no\\x1b[31m\\nnet')\n")
    refused = (*command[:3], tmp_path / "other", *command[4:])
    message = unlearn(*refused, code=2).stderr
    assert (
        "build(10) of the architecture file fails: ValueError: no\N{REPLACEMENT CHARACTER}[31m net."
        in message
    )
