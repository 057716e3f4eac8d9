"""The typical failures of participants: what is submitted, and what one `unlearn check` has to show of it.

What runs of them stored is in ``tests/data/typical_failures.json``: `tests.support.typical.record` writes it,
`tests/containers/commands/test_check.py` compares it with real runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEAD: Final = "def unlearning(net, retain, forget, val):\n"
_LOADER: Final = """import torch
class Broken(torch.utils.data.Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, index):
        raise KeyError("age_groups")
def unlearning(net, retain, forget, val):
    for _ in torch.utils.data.DataLoader(Broken(), num_workers=1):
        pass
"""
_COPY: Final = """    import copy, torch
    net = copy.deepcopy(net)
    for parameter in net.parameters():
        parameter.data.add_(0.1)
"""
SEED: Final = "THE_SECOND_SEED"
"""In a source: the seed of the second run."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A typical failure."""

    source: str
    """Of ``submission.py``."""
    line: int | None
    """Where it happens; None where no line is to blame."""
    shown: tuple[str, ...]
    """What has to be on the screen: verdict and message."""
    advice: str = ""
    """The beginning of what to do; empty if the message says all."""


FAILURES: Final[dict[str, Failure]] = {
    "typo": Failure(HEAD + "    net.train()\n    nett.eval()\n", 3, ("crashed: NameError: name 'nett'",)),
    "syntax": Failure(
        "def unlearning(net, retain, forget, val)\n    pass\n", 1, ("no-function: ", "expected ':'")
    ),
    "wrong_name": Failure(
        "def unlearn(net, retain, forget, val):\n    pass\n",
        None,
        ("no-function: ", "it defines unlearn: did you mean unlearning?"),
        "The function has another name",
    ),
    "three": Failure(
        "def unlearning(net, retain, forget):\n    pass\n",
        None,
        ("crashed: TypeError: unlearning() takes 3 positional arguments but 4 were given",),
        "The function is called with four arguments",
    ),
    "shape": Failure(
        "import torch\n" + HEAD + "    net.fc = torch.nn.Linear(64, 11)\n",
        None,
        ("bad-checkpoint: ", "has shape [11], not [10]"),
        "A layer has another size",
    ),
    "no_return": Failure(
        HEAD + _COPY,
        None,
        ("ok, 2 runs (2 ok)", "problem: 2 of 2 checkpoints are the original network, unchanged"),
        "You changed a copy of the network and did not return it",
    ),
    "prints": Failure(
        HEAD + "    import torch\n    print('epoch', 1)\n    torch.nn.init.normal_(net.fc.weight)\n",
        None,
        ("ok, 2 runs (2 ok)", " --score", " --logs"),
    ),
    "loop": Failure(
        HEAD + "    while True:\n        net.train()\n",
        None,  # one of the two lines
        ("time-limit: not finished within ", ".py:"),
        "Where it was a second before",
    ),
    "missing": Failure(
        "import einops\n" + HEAD + "    pass\n",
        1,
        ("no-function: ", "No module named 'einops'"),
        "The image has torch, torchvision",
    ),
    "gpu": Failure(
        HEAD + "    net.cuda()\n",
        2,
        ("crashed: RuntimeError: Found no NVIDIA driver",),
        "This challenge runs on the CPU",
    ),
    "pairs": Failure(
        HEAD + "    for images, labels in retain:\n        pass\n",
        2,
        ("crashed: ValueError: too many values to unpack",),
        "Items may be dicts here",
    ),
    "diverged": Failure(
        HEAD + "    net.fc.weight.data *= float('inf')\n",
        None,
        ("bad-checkpoint: ", "has values that are not finite"),
        "Training diverged.",
    ),
    "some_seeds": Failure(
        "import torch\n"
        + HEAD
        + "    torch.nn.init.normal_(net.fc.weight)\n"
        + f"    if torch.initial_seed() == {SEED}:\n        raise ValueError('unlucky')\n",
        5,
        ("failed, 2 runs (1 crashed, 1 ok)", "crashed: ValueError: unlucky"),
        "run 1 failed and others were ok: it may depend on the seed",
    ),
}
"""All thirteen, by name."""
OTHERS: Final[dict[str, Failure]] = {
    "loader": Failure(_LOADER, 6, ("crashed: KeyError: 'age_groups'",)),
    "library": Failure(
        HEAD + "    import torch\n    torch.zeros(2) @ torch.zeros(3)\n", 3, ("crashed: RuntimeError: ",)
    ),
}
"""Of the same kinds: the cause is in another process, or the last frame in a library."""


def require_on_screen(failure: Failure, file: str, screen: str) -> None:
    """Require that the lines of a check explain a failure: where, what, and what to do.

    Args:
        failure: What was checked.
        file: Its path, as it was typed.
        screen: What was printed of it.
    """
    first, *rest = screen.splitlines()
    assert first.startswith(f"{file}: "), screen
    for part in failure.shown:
        assert part in screen, (part, screen)
    if failure.line is not None:
        place = rest.index(f"  {file}:{failure.line}")
        assert rest[place + 1] == f"  | {failure.source.splitlines()[failure.line - 1].strip()}", screen
    assert any(line.strip().startswith(failure.advice) for line in rest), screen
