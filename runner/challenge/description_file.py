"""Read the description of a challenge alone, where none of its other files is needed."""

from __future__ import annotations

from pathlib import Path

from runner.challenge.description import Description, parse_description
from runner.challenge.layout import DESCRIPTION_BYTES, DESCRIPTION_FILE
from runner.errors import ConfigurationError
from runner.files import read_stored_file


def read_description(folder: Path) -> Description:
    """Return the description of the challenge in a folder.

    Raises:
        ConfigurationError: there is none, or it is not valid.
    """
    file = folder / DESCRIPTION_FILE
    try:
        text = read_stored_file(file, max_bytes=DESCRIPTION_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}.") from error
    return parse_description(file, text)
