"""`unlearn check` on real containers: typical mistakes are shown with the line of the participant's own file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from runner.challenge.challenge import Challenge
from tests.support.command import type_command
from tests.support.paths import SAMPLES

pytestmark = pytest.mark.container

HEAD = "def unlearning(net, retain, forget, val):\n"
LOADER = """import torch
class Broken(torch.utils.data.Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, index):
        raise KeyError("age_groups")
def unlearning(net, retain, forget, val):
    for _ in torch.utils.data.DataLoader(Broken(), num_workers=1):
        pass
"""
FAILURES: dict[str, tuple[str, str, int | None, str]] = {
    "typo": (HEAD + "    net.train()\n    nett.eval()\n", "crashed", 3, "NameError: name 'nett'"),
    "syntax": ("def unlearning(net, retain, forget, val)\n    pass\n", "no-function", 1, "expected ':'"),
    "loader": (LOADER, "crashed", 6, "KeyError: 'age_groups'"),
    "pairs": (HEAD + "    for images, labels in retain:\n        pass\n", "crashed", 2, "too many values"),
    "wrong_name": (
        "def unlearn(net, retain, forget, val):\n    pass\n",
        "no-function",
        None,
        "no function called",
    ),
    "three": ("def unlearning(net, retain, forget):\n    pass\n", "crashed", None, "3 positional arguments"),
    "missing": ("import einops\n" + HEAD + "    pass\n", "no-function", 1, "No module named 'einops'"),
    "gpu": (HEAD + "    net.cuda()\n", "crashed", 2, "NVIDIA driver"),
    "library": (
        HEAD + "    import torch\n    torch.zeros(2) @ torch.zeros(3)\n",
        "crashed",
        3,
        "RuntimeError",
    ),
    "shape": (
        "import torch\n" + HEAD + "    net.fc = torch.nn.Linear(64, 11)\n",
        "bad-checkpoint",
        None,
        "has shape [11], not [10]",
    ),
    "diverged": (
        HEAD + "    net.fc.weight.data *= float('inf')\n",
        "bad-checkpoint",
        None,
        "not finite",
    ),
}
FEW = ("typo", "syntax", "loader")
"""Those of `make test`; the other ones are further members."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def check(cache: Path, challenge: Challenge, *words: object) -> tuple[int, list[dict[str, Any]], str]:
    """Return exit code, views and stderr of a check with ``--json``."""
    done = type_command("check", *words, "-c", challenge.folder, "--json", XDG_CACHE_HOME=str(cache))
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def require_failures(names: tuple[str, ...], folder: Path, cache: Path, challenge: Challenge) -> None:
    """Check submissions with one command, and require that each failure is explained."""
    files = [folder / f"{name}.py" for name in names]
    for name, file in zip(names, files, strict=True):
        file.write_text(FAILURES[name][0])
    code, views, stderr = check(cache, challenge, *files)
    assert code == 1, stderr
    for name, file, view in zip(names, files, views, strict=True):
        _source, verdict, line, message = FAILURES[name]
        failure = view["failure"]
        assert failure["verdict"] == verdict, view
        assert message in failure["message"], view
        assert failure["line"] == line, view
        assert failure["file"] == (str(file) if line is not None else None), view
        assert bool(failure["source"]) == (line is not None), view


def test_a_failure_names_the_line(challenge: Challenge, tmp_path: Path, cache: Path) -> None:
    """Of a crash, of a file that cannot be read, and of a dataset that a process of a loader reads."""
    require_failures(FEW, tmp_path, cache, challenge)


@pytest.mark.slow
def test_every_typical_failure_is_explained(challenge: Challenge, tmp_path: Path, cache: Path) -> None:
    """With advice, where the table of mistakes has it."""
    require_failures(tuple(name for name in FAILURES if name not in FEW), tmp_path, cache, challenge)


def test_what_runs_passes(challenge: Challenge, tmp_path: Path, cache: Path) -> None:
    """An unchanged network is a problem, with advice; the exit code is 0, and `show` finds the check."""
    junit = tmp_path / "junit.xml"
    code, (view, unchanged), stderr = check(
        cache, challenge, SAMPLES / "finetune", SAMPLES / "original", "--junit", junit
    )
    assert code == 0, stderr
    assert (view["status"], view["notices"], view["verdicts"]) == ("smoke-test", view["notices"], {"ok": 2})
    assert not [notice for notice in view["notices"] if notice["level"] == "problem"]
    assert view["time"]["run_seconds"] > 0
    assert [notice["kind"] for notice in unchanged["notices"] if notice["level"] == "problem"] == [
        "unchanged"
    ]
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")
    shown = type_command("show", "last", "--store", tmp_path / "none", XDG_CACHE_HOME=str(cache))
    assert "original: ok, 2 runs (2 ok)" in shown.stdout, shown.stderr


@pytest.mark.slow
def test_memory_of_a_known_size(challenge: Challenge, tmp_path: Path, cache: Path) -> None:
    """Of the process, of another process, and in files, within a tenth; the network trains on beside it."""
    file = tmp_path / "large.py"
    file.write_text(
        "import os, time\n"
        + HEAD
        + "    block = bytes(1 << 20) * 200\n"
        + "    with open('/dev/shm/x', 'wb') as file:\n"
        + "        file.write(b'x' * (60 << 20))\n"
        + "    if os.fork() == 0:\n"
        + "        other = b'y' * (140 << 20)\n"
        + "        time.sleep(60)\n"
        + "    time.sleep(2)\n"
    )
    code, (view,), stderr = check(cache, challenge, file)
    assert code == 0, stderr
    assert view["memory"]["peak_bytes"] == pytest.approx(400 << 20, rel=0.1)
    assert view["memory"]["limit_bytes"] == challenge.description.limits.memory_bytes
