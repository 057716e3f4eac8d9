"""An organizer's own architecture: a module that arrives as text, imported once per process that builds it.

The text comes with the job, from the challenge; no container holds a file of it. The module has a name in
`sys.modules` and a loader that knows its source, so that its networks can be copied, pickled, saved and
inspected like any other. The trainer and the evaluator import it as the user nobody. In a worker, only a run
imports it, after it has dropped all privileges: never the zygote or the supervisor.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.abc import ExecutionLoader
from typing import Final

from torch import nn

MODULE: Final = "challenge_architecture"
"""A name that leaves ``architecture`` free for a submission's own ``architecture.py``."""
_TRACEBACK_PATH: Final = "/challenge/architecture.py"
"""The path that tracebacks show. No such file exists."""
_MESSAGE_CHARACTERS: Final = 200


class ArchitectureFileError(ValueError):
    """The organizer's file cannot be used; the message gives the reason."""


class _TextLoader(ExecutionLoader):
    """Loads a module from its source text."""

    def __init__(self, source: str) -> None:
        self._source = source

    def get_source(self, fullname: str) -> str:
        """Return the text, for imports and for tracebacks."""
        del fullname
        return self._source

    def get_filename(self, fullname: str) -> str:
        """Return the path for tracebacks."""
        del fullname
        return _TRACEBACK_PATH


def load(source: str) -> None:
    """Import the organizer's module from its text.

    Raises:
        ArchitectureFileError: it does not import, or defines no function called build.
    """
    spec = importlib.util.spec_from_loader(MODULE, _TextLoader(source))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ArchitectureFileError(
            f"the architecture file does not import: {describe_error(error)}"
        ) from error
    if not callable(getattr(module, "build", None)):
        raise ArchitectureFileError("the architecture file defines no function called build")


def build_network(classes: int) -> nn.Module:
    """Return the network that the organizer's module builds.

    Raises:
        ArchitectureFileError: no module was loaded, it fails, or its result is not a network.
    """
    module = sys.modules.get(MODULE)
    if module is None:
        raise ArchitectureFileError("the architecture is a file, but no file was sent")
    try:
        net = module.build(classes)
    except (Exception, SystemExit) as error:
        raise ArchitectureFileError(
            f"build({classes}) of the architecture file fails: {describe_error(error)}"
        ) from error
    if not isinstance(net, nn.Module):
        raise ArchitectureFileError(
            f"build({classes}) of the architecture file returns a {type(net).__name__}, not a torch.nn.Module"
        )
    return net


def describe_error(error: BaseException) -> str:
    """Return an exception's type and message on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:_MESSAGE_CHARACTERS]}" if text else type(error).__name__
