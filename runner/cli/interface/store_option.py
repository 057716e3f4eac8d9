"""The options `--store` and `--files`: a folder, or a database with the folder that has its files.

Commands receive the folder either way; its `store.toml` names the database. So every command with `--store`
has `--files` as well, and no parameter for it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperOption
from typer.main import get_command

from runner.cli.interface.help import name_values, read_plainly
from runner.errors import ConfigurationError
from runner.store.databases.address import is_url, use_database

STORE: Final = "--store"
_VARIABLE: Final = "UNLEARN_FILES"


def add_files_option(command: TyperCommand) -> None:
    """Let a command with `--store` take a database there, with its folder for files."""
    store = next((option for option in command.params if STORE in option.opts), None)
    if store is None:
        return
    assert command.callback is not None
    vars(store)["get_runtime_param"] = _StorePlace
    command.params.insert(command.params.index(store) + 1, _files_option())
    command.callback = _with_folder(command.callback)


class _StorePlace:
    """Reads what names a store: the path of a folder, or the URL of a database, which stays text."""

    def coerce(self, value: Any, *, param: Any = None, ctx: Any = None) -> Path | str | None:  # noqa: ANN401 - typer's method
        """Return the value of the option."""
        return Path(value) if isinstance(value, str) and not is_url(value) else value


def _with_folder(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command that is given the folder of its store, whatever was typed."""

    @functools.wraps(callback)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - typer's own parameters
        kwargs["store"] = _folder(kwargs["store"], kwargs.pop("files"))
        return callback(*args, **kwargs)

    return call


def _folder(store: Path | str | None, files: Path | None) -> Path | None:
    """Return the folder of a store.

    Raises:
        ConfigurationError: a database comes without its folder, a folder comes with another one, or the
            database cannot be used.
    """
    if not isinstance(store, str):
        if files is not None:
            raise ConfigurationError(
                "--files goes with a database that --store names; a store in a folder has its files there."
            )
        return store
    folder = files or Path(os.environ.get(_VARIABLE, ""))
    if folder == Path():
        raise ConfigurationError(
            "A database has the rows of a store; name the folder for its files with --files DIR."
        )
    use_database(folder, store)
    return folder


def _files_option() -> TyperOption:
    app = typer.Typer(add_completion=False)
    app.command()(_with_files)
    command = get_command(app)
    assert isinstance(command, TyperCommand)
    option = command.params[0]
    assert isinstance(option, TyperOption)
    name_values(option)
    read_plainly(option)
    return option


def _with_files(
    files: Annotated[
        Path | None,
        typer.Option(
            "--files",
            metavar="DIR",
            readable=False,
            show_default=False,
            help="Folder for the files of a store whose rows are in a database; or UNLEARN_FILES.",
        ),
    ] = None,
) -> None:
    """Take the option; never called."""
