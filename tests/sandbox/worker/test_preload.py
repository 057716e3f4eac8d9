"""What the zygote imports before the first run follows from what a submission mentions."""

from __future__ import annotations

import asyncio
import io
import selectors
import sys
import types
import warnings
import zipfile

import pytest

from sandbox.worker.entry.preload import count_cores, modules_to_preload, wait_without_epoll

SKLEARN = ["sklearn.linear_model", "sklearn.ensemble", "sklearn.cluster"]
SCIPY = ["scipy.stats", "scipy.signal"]


def archive(source: str, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as opened:
        opened.writestr("helper.py", "")  # stored, whatever the method: it is empty
        opened.writestr("submission.py", source)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import time\n", []),
        ("from torch.optim import SGD\n", ["torch._dynamo"]),
        ("import torch.optim as o\n", ["torch._dynamo"]),
        ("import torch\ntorch.compile(net)\n", ["torch._dynamo"]),
        ("from torch.utils.checkpoint import checkpoint\n", ["torch._dynamo"]),
        ("re.compile(checkpoint)\n", []),
        ("from torchvision import models\n", ["torchvision"]),
        ("from torchvision.transforms import v2; import tqdm\n", ["torchvision", "tqdm"]),
        ("import sklearn.svm, pandas, scipy.stats\n", [*SKLEARN, "pandas", *SCIPY]),
        ("from scipy import stats\n", SCIPY),
        ("from scipy.special import logsumexp\n", SCIPY),
        ("import sklearn as sk\n", SKLEARN),
        ("from sklearn.svm import SVC\n", SKLEARN),
        ("import matplotlib as mpl\n", ["matplotlib.pyplot"]),
        ("from pylab import plot\n", ["matplotlib.pyplot"]),
        ("import requests, seaborn\n", ["matplotlib.pyplot", "seaborn", "requests"]),
        ("from IPython.display import display\n", ["IPython.display"]),
        ("optimal = scipylike = 1\n", []),
    ],
)
def test_what_is_mentioned_is_preloaded(source: str, modules: list[str]) -> None:
    """Whole words count, in any file of the archive."""
    assert modules_to_preload(archive(source), "") == modules


def test_an_architecture_counts_too() -> None:
    """Runs import it as they import the submission."""
    assert modules_to_preload(archive("x = 1\n"), "import torchvision\n") == ["torchvision"]


def test_a_compressed_archive_counts_as_mentioning_what_takes_long() -> None:
    """Its words cannot be read without unpacking it."""
    source = "x = 1\n" * 100
    assert modules_to_preload(archive(source, zipfile.ZIP_DEFLATED), "") == [
        "torch._dynamo",
        *SKLEARN,
        *SCIPY,
    ]
    assert modules_to_preload(archive(source), "") == []


@pytest.mark.parametrize("is_imported", [True, False])
def test_cores_are_counted_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_imported: bool
) -> None:
    """joblib warns, and prints a traceback, the first time that it finds none."""
    counted: list[bool] = []

    def cpu_count(*, only_physical_cores: bool) -> int:
        counted.append(only_physical_cores)
        warnings.warn("Could not find the number of physical cores", stacklevel=1)
        sys.stderr.write("traceback")
        return 2

    monkeypatch.delitem(sys.modules, "joblib", raising=False)
    if is_imported:
        library = types.ModuleType("joblib")
        vars(library)["cpu_count"] = cpu_count
        monkeypatch.setitem(sys.modules, "joblib", library)
    count_cores()
    assert counted == [True] * is_imported
    assert capsys.readouterr().err == ""


def test_asyncio_waits_without_epoll(monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for the best selector each time that a loop is made."""
    monkeypatch.setattr(selectors, "DefaultSelector", selectors.DefaultSelector)
    wait_without_epoll()

    async def selector_of_loop() -> type:
        return type(vars(asyncio.get_running_loop())["_selector"])

    assert asyncio.run(selector_of_loop()) is selectors.PollSelector
