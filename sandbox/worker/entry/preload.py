"""Decide which libraries the zygote imports, so that no run has to.

What a submission mentions is imported once, before the first run. A library that it uses without a mention
costs each of its runs the import and changes nothing else.
"""

from __future__ import annotations

import contextlib
import io
import re
import selectors
import sys
import warnings
from typing import Final

_MENTIONS: Final = {
    "torch._dynamo": r"optim|functorch|_dynamo|torch\.(compile|export|func)|utils\.checkpoint",
    "torchvision": "torchvision",
    "sklearn.linear_model": "sklearn",
    "sklearn.ensemble": "sklearn",
    "sklearn.cluster": "sklearn",
    "pandas": "pandas",
    "scipy.stats": "scipy",
    "scipy.signal": "scipy",
    "tqdm": "tqdm",
    "matplotlib.pyplot": "matplotlib|pylab|seaborn",
    "seaborn": "seaborn",
    "requests": "requests",
    "IPython.display": "IPython",
}
"""Modules, and the words with which a submission's source asks for them. The first step of any torch
optimizer imports torch._dynamo, which takes a second or more. Of scipy and sklearn the parts that import most
others: `import scipy` alone imports none, and a run that imported scipy.stats would use 0.8 s, on small data
more than a retraining is allowed."""

_COMPRESSED_MEMBER: Final = re.compile(rb"PK\x03\x04.{4}[^\x00]", re.DOTALL)
"""The beginning of a member of a zip archive whose compression method is not "stored"."""

_HIDDEN_WORDS: Final = b"\noptim sklearn scipy\n"


def count_cores() -> None:
    """Let joblib, if it is imported, count physical cores now, without a word.

    It finds none without ``/sys``, remembers that, and uses the number of cores. In a run it would warn.
    """
    joblib = sys.modules.get("joblib")
    if joblib is not None:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            joblib.cpu_count(only_physical_cores=True)


def wait_without_epoll() -> None:
    """Let asyncio and others that ask for the best selector wait with `poll`: runs have no epoll.

    The module looks for epoll when it is imported, and this process has it.
    """
    selectors.DefaultSelector = selectors.PollSelector  # type: ignore[misc, assignment]


def modules_to_preload(submission: bytes, architecture: str) -> list[str]:
    """Return the modules to import besides torch, in order.

    Nothing is unpacked: the archive is a stranger's. A compressed one hides its words, so it counts as if it
    mentioned an optimizer, which nearly every submission uses, and the libraries that take long to import.

    Args:
        submission: The submission's archive.
        architecture: The source of the organizer's own architecture, or nothing.
    """
    sources = submission + architecture.encode()
    if _COMPRESSED_MEMBER.search(submission):
        sources += _HIDDEN_WORDS
    return [name for name, words in _MENTIONS.items() if re.search(rb"\b(%s)\b" % words.encode(), sources)]
