"""A network whose state dict does not determine it is refused before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.container

InImage = Callable[[str], str]

PRELUDE = """
import functools, hashlib, random
import numpy as np
import torch
from torch import nn
from torch.nn import functional

PROJ = {module}

class Net(nn.Module):
    {in_class}
    def __init__(self, classes):
        super().__init__()
        self.fc = nn.Linear(64, classes)
        {init}
    def forward(self, image):
        x = image.flatten(1)
        {forward}
        return self.fc(x)

def build(classes):
    return Net(classes)
"""


def source(init: str = "pass", forward: str = "pass", *, module: str = "None", in_class: str = "pass") -> str:
    """Return the text of a network that does something beside its linear layer."""
    return PRELUDE.format(init=init, forward=forward, module=module, in_class=in_class)


SCALE = "x = x * self.scale"
OUTSIDE = "the architecture file has state outside of its state dict ({}), so the same checkpoint is another network"
REFUSED = {
    source("self.proj = torch.randn(64, 64) / 8", "x = x @ self.proj"): OUTSIDE.format("proj"),
    source(
        'self.register_buffer("mask", (torch.rand(64) > 0.2).float(), persistent=False)', "x = x * self.mask"
    ): OUTSIDE.format("mask"),
    source("self.scale = random.random()", SCALE): OUTSIDE.format("scale"),
    source("self.scale = np.random.rand(64)", "x = x * torch.from_numpy(self.scale).float()"): OUTSIDE.format(
        "scale"
    ),
    source(
        "self.scales = [random.random() for _ in range(64)]", "x = x * torch.tensor(self.scales)"
    ): OUTSIDE.format("scales"),
    source("self.parts = [nn.Linear(64, 64)]", "x = self.parts[0](x)"): OUTSIDE.format("parts"),
    source(
        "self.scale = None", "self.scale = self.scale or random.random(); x = x * self.scale"
    ): OUTSIDE.format("scale"),
    source(
        "self.gate = nn.Parameter(torch.zeros(1)); self.proj = torch.randn(64, 64)",
        "x = x + self.gate * (x @ self.proj)",
    ): OUTSIDE.format("proj"),
    source(
        "self.inner = nn.Sequential(nn.Identity()); self.inner[0].scale = torch.rand(1)",
        "x = x * self.inner[0].scale",
    ): OUTSIDE.format("inner.0.scale"),
    source(forward="x = x * PROJ", module="torch.rand(64)"): OUTSIDE.format("PROJ") + " in each process",
    source(forward="x = x * self.scale", in_class="scale = random.random()"): OUTSIDE.format("scale")
    + " in each process",
    source(forward="x = x * float(PROJ[0])", module="np.random.rand(64)"): OUTSIDE.format("PROJ")
    + " in each process",
    source(forward="x = functional.dropout(x, 0.5)"): "gives other logits for the same images each time",
    source(
        "self.calls = 0", "self.calls += 1; x = x * self.calls"
    ): "gives other logits for the same images each time",
    source(forward="assert x.max() == 0"): "fails on images of the data: AssertionError",
}
"""Sources, each with a part of the sentence that refuses it."""

ACCEPTED = [
    source(),
    source(
        'self.register_buffer("mask", (torch.arange(64) % 2).float(), persistent=False)', "x = x * self.mask"
    ),
    source("self.mask = torch.arange(64).float().cos()", "x = x * self.mask", module="3"),
    source('self.register_buffer("proj", torch.randn(64, 64))', "x = x @ self.proj"),
    source("self.name = str(random.random())"),
    source("self.drop = nn.Dropout()", "x = self.drop(x)"),
    source(
        "self.proj = torch.randn(64, 64, generator=torch.Generator().manual_seed(5))", "x = x @ self.proj"
    ),
    source(forward="x = x * float('inf')"),
]
PRINTS_AND_MASKS = "import os\nos.write(1, b'printed\\n')\n" + ACCEPTED[1]


def check(in_image: InImage, sources: list[str], *, elsewhere: bool = True) -> list[str]:
    """Return the sentence that refuses each source; empty where it is accepted.

    Building in another process, too, takes seconds for each.
    """
    text = in_image(f"""
import json, torch
from sandbox.networks.architectures import prepare
from sandbox.networks.same_network import check_same_network
torch.set_num_threads(1)
images = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
sentences = []
for source in {sources!r}:
    prepare("file", source)
    before = torch.get_rng_state()
    try:
        check_same_network("file", 10, images, source if {elsewhere} else None)
    except ValueError as error:
        sentences.append(str(error))
    else:
        sentences.append("")
    assert torch.equal(before, torch.get_rng_state())
print(json.dumps(sentences))
""")
    sentences: list[str] = json.loads(text.splitlines()[-1])
    return sentences


def test_state_outside_of_the_state_dict_is_refused_by_name(in_image: InImage) -> None:
    """Tensors, buffers, numbers and lists that are random, and forward passes that are."""
    for sentence, words in zip(check(in_image, list(REFUSED)), REFUSED.values(), strict=True):
        assert words in sentence
        assert "\n" not in sentence


def test_fixed_state_is_accepted(in_image: InImage) -> None:
    """Masks that are the same each time, dropout, persistent buffers, and what no logit depends on."""
    assert check(in_image, ACCEPTED, elsewhere=False) == [""] * len(ACCEPTED)
    assert check(in_image, [PRINTS_AND_MASKS]) == [""]


@pytest.mark.slow
def test_architectures_by_name_are_determined_by_their_weights(in_image: InImage) -> None:
    """The built-in ones, and torchvision's of several families, in this process and in another."""
    text = in_image("""
import io, subprocess, sys
import torch
from sandbox.networks.architectures import build, prepare
from sandbox.networks.same_network import check_same_network
torch.set_num_threads(1)
shapes = {"digits": (1, 8), "convnet-1": (1, 28), "convnet-3": (3, 32), "resnet18": (3, 32),
          "mobilenet_v3_small": (3, 32), "shufflenet_v2_x0_5": (3, 32), "swin_t": (3, 32)}
for name, (channels, side) in shapes.items():
    prepare(name)
    check_same_network(name, 10, torch.rand(4, channels, side, side))
program = '''
import io, sys, torch
from sandbox.networks.architectures import build
torch.set_num_threads(1)
for name, state, images, logits in torch.load(io.BytesIO(sys.stdin.buffer.read())):
    net = build(name, 10).eval()
    net.load_state_dict(state)
    with torch.no_grad():
        assert torch.equal(net(images), logits), name
'''
cases = []
for name in ("digits", "convnet-3", "resnet18"):
    net, images = build(name, 10).eval(), torch.rand(4, *((1, 8, 8) if name == "digits" else (3, 32, 32)))
    with torch.no_grad():
        cases.append((name, net.state_dict(), images, net(images)))
buffer = io.BytesIO()
torch.save(cases, buffer)
subprocess.run([sys.executable, "-c", program], input=buffer.getvalue(), check=True)
print("done")
""")
    assert text == "done\n"


def test_the_names_of_architectures_are_the_images(in_image: InImage) -> None:
    """So the host refuses exactly the names that no network has."""
    text = in_image("""
from torchvision import models
from sandbox.networks.architectures import _BUILT_IN
from sandbox.protocol.architecture_names import BUILT_IN, TORCHVISION
assert set(models.list_models(module=models)) == TORCHVISION
assert tuple(_BUILT_IN) == BUILT_IN
print("done")
""")
    assert text == "done\n"
