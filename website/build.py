"""Build the site, warnings as errors: ``python -m website.build``, which ``make docs`` calls.

Pages are collected in ``build/site/pages``, and ``zensical.toml`` says the rest. Exit code 1: a warning.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from website.collect import LinkError, collect

ROOT: Final = Path(__file__).parents[1]
CONFIGURATION: Final = "zensical.toml"
THEME: Final = "website/theme"
PAGES: Final = Path("build/site/pages")
SITE: Final = Path("build/site/html")
"""As `CONFIGURATION` names both."""


class SiteError(Exception):
    """The site cannot be built; the text is what the builder prints."""


def gather(folder: Path) -> None:
    """Write the configuration, the theme and all pages of the site.

    Args:
        folder: Where they are written.

    Raises:
        SiteError: a page shows an image that the site does not have.
    """
    try:
        collect(ROOT, folder / PAGES)
    except LinkError as error:
        raise SiteError(str(error)) from error
    if folder != ROOT:
        shutil.copyfile(ROOT / CONFIGURATION, folder / CONFIGURATION)
        shutil.copytree(ROOT / THEME, folder / THEME, dirs_exist_ok=True)


def render(folder: Path) -> Path:
    """Build the site from what `gather` wrote; return the folder of the site.

    Raises:
        SiteError: the builder has a warning, such as a link that leads nowhere.
    """
    shutil.rmtree(folder / SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    output = (built.stdout + built.stderr).strip()
    if built.returncode or "warning" in output.lower():
        raise SiteError(output)
    return folder / SITE


def main() -> None:
    """Build the site in the repository, and print where it is."""
    try:
        gather(ROOT)
        site = render(ROOT)
    except SiteError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    print(f"docs: {site.relative_to(ROOT)}/index.html")


if __name__ == "__main__":
    main()
