"""Write the lock file of a platform: the wheel of each package that fits it best, by hash.

pip evaluates environment markers for the Python that runs it, on the host; so a lock file for the image has none,
and each platform has its own. uv resolves it, with the versions of the first platform as constraints::

    uv pip compile --python-platform aarch64-manylinux_2_36 --python-version 3.11 --only-binary :all: \\
        --format pylock.toml -c VERSIONS requirements/image.in -o pylock.toml
    python -m tests.tools.platform_lock linux/arm64 pylock.toml > requirements/image-arm64.txt

For ``image-extras.in``, a third argument names the lock file whose packages are written: the others are in
the image already.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from runner.image.platform import PLATFORMS, Platform


def supported_tags(platform: Platform) -> list[Tag]:
    """Return the tags of wheels that the image's Python takes on a platform, the best first."""
    platforms = platform.wheel_tags()
    python = cpython_tags((3, 11), abis=["cp311"], platforms=platforms)
    return [*python, *compatible_tags((3, 11), "cp311", platforms)]


def lock_text(pylock: dict[str, Any], platform: Platform, names: Collection[str] | None = None) -> str:
    """Return the lock file of what uv resolved for one platform.

    Its markers are left out: uv has evaluated them for that platform.

    Args:
        pylock: Its ``pylock.toml``, read.
        platform: For which it was resolved.
        names: Of the packages that are written; None for all.

    Raises:
        ValueError: no wheel of a package fits.
    """
    ranks = {tag: rank for rank, tag in enumerate(supported_tags(platform))}
    entries = []
    for package in sorted(pylock["packages"], key=lambda package: str(package["name"])):
        if names is not None and package["name"] not in names:
            continue
        fitting = []
        for wheel in package.get("wheels", []):
            file = unquote(PurePosixPath(urlsplit(wheel["url"]).path).name)
            fits = [ranks[tag] for tag in parse_wheel_filename(file)[3] if tag in ranks]
            if fits and "sha256" in wheel.get("hashes", {}):
                fitting.append((min(fits), file, wheel["hashes"]["sha256"]))
        if not fitting:
            raise ValueError(f"{package['name']} has no wheel for {platform.name}")
        _rank, file, sha256 = min(fitting)
        entries.append(f"{package['name']}=={package['version']} \\\n    --hash=sha256:{sha256}  # {file}\n")
    return "".join(entries)


if __name__ == "__main__":
    target = next(each for each in PLATFORMS if each.name == sys.argv[1])
    resolved = tomllib.loads(Path(sys.argv[2]).read_text())
    listed = (
        re.findall(r"^([\w.-]+)==", Path(sys.argv[3]).read_text(), re.MULTILINE) if sys.argv[3:] else None
    )
    sys.stdout.write(lock_text(resolved, target, listed))
