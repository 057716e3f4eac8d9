"""Import a command's module when the command is used, not when `unlearn` starts.

The store, NumPy and the engine's client are slow to import. ``unlearn --help`` needs only the name and one
line of each command, which are in the table of `runner.cli.main`.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

from runner.cli.interface.end_of_file import EndOfFileError
from runner.cli.interface.help import HELP_NAMES, Command, Group, name_values, read_plainly
from runner.cli.interface.quiet import quiet_option
from runner.cli.interface.store_option import add_files_option
from runner.errors import ConfigurationError

_SETTINGS: dict[str, Any] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": "rich",
    "cls": Group,
    "context_settings": {"help_option_names": HELP_NAMES},
}


def new_typer(**settings: Any) -> typer.Typer:  # noqa: ANN401 - typer's own settings
    """Return a Typer with the settings that all commands share."""
    return typer.Typer(**{**_SETTINGS, **settings})


class LazyCommand(TyperCommand):
    """A command that is known by name and one line of help until it is used."""

    def __init__(self, name: str, *, target: str, summary: str, panel: str | None = None) -> None:
        """Register a command.

        Args:
            name: What a user types.
            target: Module and function, ``runner.cli.run:run_command``.
            summary: The first line of the function's docstring; a test compares the two.
            panel: The heading under which the help of its group lists it.
        """
        super().__init__(name=name, help=summary, rich_markup_mode="rich", rich_help_panel=panel)
        self.target = target

    def load(self) -> TyperCommand:
        """Return the command with its parameters, importing its module."""
        module, _, function = self.target.partition(":")
        app = new_typer()
        app.command(self.name, cls=Command)(getattr(import_module(module), function))
        command = get_command(app)
        assert isinstance(command, TyperCommand)
        assert command.callback is not None
        add_files_option(command)
        option = quiet_option()
        name_values(option)
        read_plainly(option)
        command.params.append(option)
        command.callback = _carry_end_of_file(command.callback)
        return command

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own parameters
        """Parse the arguments with the command's own parameters.

        Raises:
            ConfigurationError: one that must not be empty is.
        """
        command = self.load()
        _refuse_empty(command, args)
        return command.make_context(info_name, args, *rest, **kwargs)


def _refuse_empty(command: TyperCommand, words: Sequence[str]) -> None:
    """Refuse empty arguments and paths: an empty path would be the current folder, an empty name any name.

    Raises:
        ConfigurationError: there is one.
    """
    with_text = {
        option
        for parameter in command.params
        if getattr(getattr(parameter, "type_descriptor", None), "annotation", None) is str
        for option in parameter.opts
    }
    for before, word in zip(["", *words], words, strict=False):
        option, separator, value = word.partition("=") if word.startswith("--") else (before, "=", word)
        if separator and not value and option not in with_text:
            what = f"The value of {option}" if option.startswith("-") else "An argument"
            raise ConfigurationError(f"{what} is empty; write what it names, or leave it out.")


def _carry_end_of_file(callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - typer's own parameters
        gc.enable()  # `main` disables it, because importing makes many objects and no garbage
        try:
            return callback(*args, **kwargs)
        except EOFError as error:
            raise EndOfFileError from error

    return call
