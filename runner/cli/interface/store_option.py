"""The options `--store` and `--files`: a folder, or a database with the folder that has its files.

Commands receive the folder either way; its `store.toml` names the database. So every command with `--store`
has `--files` as well, without a parameter of its own for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperOption
from typer.main import get_command

from runner.errors import ConfigurationError
from runner.store.databases.address import is_url, use_database

_FILES: Final = "runner.cli.interface.store_option.files"


class StorePlace(typer.core.click.ParamType):  # type: ignore[misc, name-defined]
    """What `--store` takes: the path of a folder, or the URL of a database."""

    name = "path"

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:  # noqa: ANN401 - click's own parameters
        """Return the folder of the store.

        Raises:
            ConfigurationError: a database comes without its folder, or cannot be used with it.
        """
