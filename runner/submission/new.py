"""Write the template of a submission into a new folder."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Final, Literal

from runner.errors import ConfigurationError, HostNotReadyError
from runner.submission.pack import display_path

CiService = Literal["github", "gitlab", "none"]

_FILES: Final = {"submission.py": "submission.py.txt", "README.md": "README.md.txt"}
_CI_FILES: Final[dict[CiService, dict[str, str]]] = {
    "github": {".github/workflows/check.yml": "github.yml.txt"},
    "gitlab": {".gitlab-ci.yml": "gitlab.yml.txt"},
    "none": {},
}


def write_template(folder: Path, *, ci: CiService = "github") -> list[str]:
    """Write the files of a new submission, and return their names.

    Args:
        folder: Created if it does not exist; it may exist if it is empty.
        ci: The service whose workflow file is written.

    Raises:
        ConfigurationError: the folder is not empty, or something else is there.
        HostNotReadyError: it cannot be written.
    """
    shown = display_path(folder)
    try:
        if os.path.lexists(folder) and not folder.is_dir():
            raise ConfigurationError(f"{shown} is not a folder; choose another name.")
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConfigurationError(
                f"{shown} is not empty; name a new folder, so that nothing is overwritten."
            )
        templates = resources.files("runner.submission.template")
        files = {**_FILES, **_CI_FILES[ci]}
        for name, template in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as stream:
                stream.write(templates.joinpath(template).read_text(encoding="utf-8"))
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigurationError(
            f"{shown} is not a folder, or lies in a file; choose another name."
        ) from error
    except OSError as error:
        raise HostNotReadyError(f"{shown} cannot be written: {error.strerror or error}.") from error
    return list(files)
