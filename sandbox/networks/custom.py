"""An organizer's own architecture: a module given as text, imported once in each process that builds it.

The text comes with the job, from the challenge; no file of it lies in a container. The module has a name
in `sys.modules` and a loader that knows its source, so networks of it can be copied, pickled, saved
and inspected as any other. The trainer and the evaluator import it as nobody; in a worker only a run
does, after it has given up everything: never the zygote or the supervisor.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.abc import ExecutionLoader
from typing import Final

from torch import nn

MODULE: Final = "challenge_architecture"
"""A name of its own, so that a submission may have an ``architecture.py``."""
_SHOWN_AS: Final = "/challenge/architecture.py"
"""In tracebacks. There is no such file."""
_MESSAGE_CHARACTERS: Final = 200


class ArchitectureFileError(ValueError):
    """The organizer's file is of no use; the text says why."""


class _Given(ExecutionLoader):
    """Loads a module from a text."""

    def __init__(self, source: str) -> None:
        self._source = source

    def get_source(self, fullname: str) -> str:
        """Return the text, for imports and for tracebacks."""
        del fullname
        return self._source

    def get_filename(self, fullname: str) -> str:
        """Return what it is called in tracebacks."""
        del fullname
        return _SHOWN_AS


def load(source: str) -> None:
    """Import the organizer's module from its text.

    Raises:
        ArchitectureFileError: it does not import, or defines no function called build.
    """
    spec = importlib.util.spec_from_loader(MODULE, _Given(source))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ArchitectureFileError(f"the architecture file does not import: {described(error)}") from error
    if not callable(getattr(module, "build", None)):
        raise ArchitectureFileError("the architecture file defines no function called build")


def network(classes: int) -> nn.Module:
    """Return the network that the module builds.

    Raises:
        ArchitectureFileError: none was loaded, it fails, or what it returns is no network.
    """
    module = sys.modules.get(MODULE)
    if module is None:
        raise ArchitectureFileError("the architecture is a file, and none was given")
    try:
        net = module.build(classes)
    except (Exception, SystemExit) as error:
        raise ArchitectureFileError(
            f"build({classes}) of the architecture file fails: {described(error)}"
        ) from error
    if not isinstance(net, nn.Module):
        raise ArchitectureFileError(
            f"build({classes}) of the architecture file returns no torch.nn.Module but a {type(net).__name__}"
        )
    return net


def described(error: BaseException) -> str:
    """Return an exception on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:_MESSAGE_CHARACTERS]}" if text else type(error).__name__
