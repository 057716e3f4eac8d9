"""The options `--store` and `--files`: a folder, or a database with the folder that has its files.

Commands receive the folder either way; its `store.toml` names the database. So every command with `--store`
has `--files` as well, and no parameter for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperOption
from typer.main import get_command

from runner.errors import ConfigurationError
from runner.store.databases.address import is_url, use_database

STORE: Final = "--store"
_FILES: Final = "unlearn.files"
"""Where the context of a command has the folder for files until `--store` is read."""


def add_files_option(command: TyperCommand) -> None:
    """Let a command with `--store` take a database there, with its folder for files."""
    store = next((option for option in command.params if STORE in option.opts), None)
    if store is None:
        return
    vars(store)["get_runtime_param"] = _StorePlace
    command.params.insert(command.params.index(store) + 1, _files_option())


class _StorePlace:
    """Reads what names a store: a folder, or the URL of a database."""

    def coerce(self, value: Any, *, param: Any = None, ctx: Any = None) -> Path | None:  # noqa: ANN401 - typer's method
        """Return the folder of the store.

        Raises:
            ConfigurationError: a database comes without its folder, a folder comes with another one, or the
                database cannot be used.
        """
        files = ctx.meta.get(_FILES)
        if isinstance(value, str) and is_url(value):
            if files is None:
                raise ConfigurationError(
                    "A database has the rows of a store; name the folder for its files with --files DIR."
                )
            use_database(Path(files), value)
            return Path(files)
        typed = ctx.get_parameter_source(_files_option().name)
        if files is not None and typed is not None and typed.name == "COMMANDLINE":
            raise ConfigurationError(
                "--files goes with a database that --store names; a store in a folder has its files there."
            )
        return value if value is None or isinstance(value, Path) else Path(value)


def _files_option() -> TyperOption:
    app = typer.Typer(add_completion=False)
    app.command()(_with_files)
    command = get_command(app)
    assert isinstance(command, TyperCommand)
    option = command.params[0]
    assert isinstance(option, TyperOption)
    return option


def _keep_files(context: typer.Context, files: Path | None) -> None:
    context.meta[_FILES] = files


def _with_files(
    files: Annotated[
        Path | None,
        typer.Option(
            "--files",
            metavar="DIR",
            readable=False,
            envvar="UNLEARN_FILES",
            is_eager=True,  # it is read before --store
            callback=_keep_files,
            expose_value=False,
            show_default=False,
            help="Folder for the files of a store whose rows are in a database.",
        ),
    ] = None,
) -> None:
    """Take the option; never called."""
