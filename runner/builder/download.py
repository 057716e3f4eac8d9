"""Download well-known data sets: their archives as they are published, checked by hash.

An archive is stored in the user's cache and never unpacked on the host: it is sent to the trainer
like any other file of an organizer.
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
    """An archive with a permanent address and a known hash."""

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
"""The archive of each recipe that has one."""


def cache_folder() -> Path:
    """Return the folder of downloaded archives, in the user's cache."""
    return platformdirs.user_cache_path("unlearn") / "downloads"


def fetch(archive: PublishedArchive, folder: Path) -> Path:
    """Return the path of the archive in ``folder``, downloading it unless it exists.

    A download that fails leaves no file.

    Raises:
        HostNotReadyError: the archive cannot be downloaded or stored, or its hash differs.
    """
    import pooch  # noqa: PLC0415 - with requests, a fifth of a second that no other command needs
    import requests  # noqa: PLC0415

    pooch.get_logger().setLevel(logging.WARNING)
    by_hand = "fetch it by hand elsewhere, and name the file with --data"
    try:
        path = pooch.retrieve(
            url=archive.url,
            known_hash=f"sha256:{archive.sha256}",
            fname=archive.name,
            path=folder,
            downloader=pooch.HTTPDownloader(timeout=_SILENCE_SECONDS),
        )
    except ValueError as error:
        raise HostNotReadyError(
            f"{archive.url} does not serve the expected archive (its hash differs); {by_hand}."
        ) from error
    except requests.RequestException as error:
        raise HostNotReadyError(
            f"{archive.url} cannot be downloaded ({type(error).__name__}); {by_hand}."
        ) from error
    except OSError as error:
        raise HostNotReadyError(f"{folder / archive.name} cannot be written: {error}.") from error
    return Path(path)
