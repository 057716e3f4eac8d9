"""Well-known data sets, fetched by the host where its network allows: the archive as it is published.

An archive is known by its hash, is kept in the user's cache, and is never opened on the host: it is
streamed to the trainer like any other file of an organizer's.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from runner.errors import HostNotReadyError

_SILENCE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedArchive:
    """A file that is published somewhere."""

    name: str
    url: str
    sha256: str


ARCHIVES: Final = {
    "cifar10": PublishedArchive(
        name="cifar-10-python.tar.gz",
        url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    )
}
"""By recipe."""


def cache_folder() -> Path:
    """Return where archives are kept: in the user's cache."""
    return platformdirs.user_cache_path("unlearn") / "downloads"


def fetch(archive: PublishedArchive, folder: Path) -> Path:
    """Return where the archive is in ``folder``, downloading it unless it is there.

    It appears there whole, or not at all.

    Raises:
        HostNotReadyError: it cannot be had from here, or is not what is known by that name.
    """
    import pooch  # noqa: PLC0415 - with requests, a fifth of a second that no other command needs
    import requests  # noqa: PLC0415

    pooch.get_logger().setLevel(logging.WARNING)
    by_hand = "fetch it by hand where you can, and name the file with --data"
    try:
        found = pooch.retrieve(
            url=archive.url,
            known_hash=f"sha256:{archive.sha256}",
            fname=archive.name,
            path=folder,
            downloader=pooch.HTTPDownloader(timeout=_SILENCE_SECONDS),
        )
    except ValueError as error:
        raise HostNotReadyError(
            f"What {archive.url} gives is not the archive that is known (its hash differs); {by_hand}."
        ) from error
    except requests.RequestException as error:
        raise HostNotReadyError(
            f"{archive.url} cannot be downloaded ({type(error).__name__}); {by_hand}."
        ) from error
    except OSError as error:
        raise HostNotReadyError(f"{folder / archive.name} cannot be written: {error}.") from error
    return Path(found)
